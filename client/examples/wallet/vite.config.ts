import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { type Connect, defineConfig, type Plugin } from 'vite'
import { contentSecurityPolicy, type PolicyInput } from './contentSecurityPolicy.ts'

/** A file as config.example.json. A build with it serves these networks and no others. */
const { VEILCAST_WALLET_CONFIG: configFile } = process.env

export default defineConfig({
  base: './',
  build: { target: 'es2022', chunkSizeWarningLimit: 8_000, modulePreload: { polyfill: false } },
  // Inlined images would be fine; an inlined script would not.
  plugins: [serveConfig(), writePolicy()],
})

/** The config beside the page, and the headers that a server of the page should send. */
function serveConfig(): Plugin {
  const answer: Connect.NextHandleFunction = ({ url }, response, next) => {
    if (configFile === undefined || url?.split('?')[0] !== '/config.json') return next()
    response.setHeader('content-type', 'application/json')
    response.end(readFileSync(configFile))
  }
  const harden = (response: ServerResponse): void => {
    response.setHeader('content-security-policy', contentSecurityPolicy('header', readConfig()))
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('permissions-policy', 'camera=(), geolocation=(), microphone=()')
    response.setHeader('referrer-policy', 'no-referrer')
    response.setHeader('x-content-type-options', 'nosniff')
  }
  return {
    name: 'veilcast:config',
    configureServer: ({ middlewares }) => void middlewares.use(answer),
    configurePreviewServer({ middlewares }) {
      middlewares.use((_request, response, next) => {
        harden(response)
        next()
      })
      middlewares.use(answer)
    },
  }
}

/** The policy inside the page, for whoever serves it without headers. */
function writePolicy(): Plugin {
  return {
    name: 'veilcast:policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: {
          'http-equiv': 'Content-Security-Policy',
          content: contentSecurityPolicy('meta', readConfig()),
        },
        injectTo: 'head-prepend',
      },
    ],
    generateBundle() {
      if (configFile === undefined) return
      this.emitFile({ type: 'asset', fileName: 'config.json', source: readFileSync(configFile, 'utf8') })
    },
  }
}

function readConfig(): PolicyInput | undefined {
  return configFile === undefined ? undefined : (JSON.parse(readFileSync(configFile, 'utf8')) as PolicyInput)
}
