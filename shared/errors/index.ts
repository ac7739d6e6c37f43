export * from './catalogue.ts'
export * from './VeilcastError.ts'
export * from './wireError.ts'
