#!/usr/bin/env node
// npm links a command only where its file stands before the build.
await import('../dist/main.js')
