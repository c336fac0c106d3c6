import { defineConfig } from 'vite';

export default defineConfig({
  base: './', // also behind a proxy that adds a path
  build: {
    outDir: '../obj/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the content security policy allows files, and nothing inside of files
    modulePreload: { polyfill: false },
  },
  // `npm run dev` shows changes at once; everything else is asked of a server on the usual port.
  server: { proxy: { '/v1': { target: 'http://127.0.0.1:8000', ws: true } } },
});
