// Opens the page of `commedia live` in headless Chromium and tells what a viewer sees: pictures of the stage, what is
// written, and errors. The camera is a file.
//
// usage: node watch_live.mjs CHROMIUM URL FOLDER CAMERA.mjpeg
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const [executablePath, url, folder, camera] = process.argv.slice(2);
const profile = fs.mkdtempSync(path.join(os.tmpdir(), "commedia-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  viewport: { width: 900, height: 560 },
  args: [
    ...["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    ...["--disable-component-update", "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader"],
    ...["--enable-unsafe-swiftshader", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
    `--use-file-for-fake-video-capture=${camera}`,
  ],
});
context.setDefaultTimeout(120_000);
const errors = [];
const strangers = [];

async function opened(address, size) {
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol.startsWith("http") && host !== new URL(url).host) strangers.push(request.url());
  });
  await page.setViewportSize(size);
  await page.goto(address);
  return page;
}

const text = (page, selector) => page.locator(selector).allInnerTexts();
const shot = (page, name) => page.screenshot({ path: path.join(folder, name), omitBackground: true });

try {
  const page = await opened(url, { width: 390, height: 500 });
  await page.getByRole("button", { name: "Use this browser’s camera" }).click();
  await page.locator(".tag").nth(1).waitFor();
  const seen = {
    tags: await text(page, ".tag span:last-child"),
    people: await text(page, ".person strong"),
    privacy: await text(page, "#privacy"),
  };
  // Chromium draws on the processor here, so only one stage at a time; the first pictures come before the characters.
  await page.locator("footer").scrollIntoViewIfNeeded();
  const stage = await opened(`${url}?view=stage`, { width: 320, height: 200 });
  for (let count = 10; count < 22; count++) {
    await stage.waitForTimeout(700);
    await shot(stage, `stage-${count}.png`);
  }
  await stage.close();
  await page.locator("header").first().scrollIntoViewIfNeeded();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Calibrate" }).first().click();
  await page.locator("#calibration strong").waitFor();
  const calibration = await text(page, "#calibration strong");
  await page.screenshot({ path: path.join(folder, "phone.png") });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  console.log(JSON.stringify({ ...seen, calibration, width, errors, strangers }));
} finally {
  await context.close();
  fs.rmSync(profile, { recursive: true, force: true });
}
