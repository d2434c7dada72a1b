// Opens the stage of `commedia live` in headless Chromium; for every line on standard input, which names a file, it
// writes a picture of what is shown then, on nothing, and says the line again. Last it says what went wrong.
//
// usage: node watch_stage.mjs CHROMIUM URL
import readline from "node:readline";
import { chromium } from "playwright-core";

const [executablePath, url] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: [
    ...["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    ...["--disable-component-update", "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader"],
    "--enable-unsafe-swiftshader",
  ],
});
try {
  const page = await browser.newPage({ viewport: { width: 300, height: 300 } });
  page.setDefaultTimeout(120_000);
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(url);
  for await (const path of readline.createInterface({ input: process.stdin })) {
    await page.waitForTimeout(700);
    await page.screenshot({ path, omitBackground: true });
    console.log(path);
  }
  console.log(JSON.stringify(errors));
} finally {
  await browser.close();
}
