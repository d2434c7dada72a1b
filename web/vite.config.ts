// Builds the page as one file with everything in it, which the Python package ships.
import { defineConfig, type Plugin } from "vite";

const NOTICE = `<!-- The page of \`commedia live\`, built from web/ of its repository. Contains three.js (MIT, three.js authors) and
@pixiv/three-vrm (MIT, pixiv Inc.); their licences are in LICENCE.md beside this file. -->\n`;

function oneFile(): Plugin {
  return {
    name: "one-file",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("there is no index.html");
      let html = String(page.source);
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === "chunk") {
          const code = part.code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
          html = html.replace(/<script type="module"[^>]*src="[^"]*"[^>]*><\/script>/, "");
          html = html.replace("</body>", () => `<script type="module">${code.trim()}</script>\n</body>`);
        } else if (name.endsWith(".css")) {
          html = html.replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${String(part.source).trim()}</style>`);
        }
        delete bundle[name];
      }
      this.emitFile({ type: "asset", fileName: "page.html", source: html.replace("\n", () => `\n${NOTICE}`) });
    },
  };
}

export default defineConfig({
  plugins: [oneFile()],
  build: {
    outDir: process.env.COMMEDIA_PAGE_DIR ?? "../src/commedia/assets/live",
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 1500,
  },
});
