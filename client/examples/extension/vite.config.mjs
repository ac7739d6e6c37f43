import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const pageOf = (name) => fileURLToPath(new URL(name, import.meta.url))

// What lies in public/ (the manifest, the service worker, the config) is taken as it is.
export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    // The Nym SDK is 7 MB, and is loaded by the offscreen document alone.
    chunkSizeWarningLimit: 8_000,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['offscreen.html', 'popup.html'].map(pageOf) },
  },
})
