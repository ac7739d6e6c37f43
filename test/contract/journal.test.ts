import 'fake-indexeddb/auto'
import { createMemoryJournal } from '@veilcast/client'
import { createFileJournal } from '@veilcast/client/journal/file'
import { createIndexedDbJournal } from '@veilcast/client/journal/indexed-db'
import { IDBFactory } from 'fake-indexeddb'
import { makeFolder } from '../support/path.ts'
import { describeJournalContract } from './journal.ts'

describeJournalContract(
  'memory',
  async () => ({ open: createMemoryJournal, remove: async () => undefined }),
  false,
)

describeJournalContract(
  'file',
  async () => {
    const folder = await makeFolder()
    return {
      open: (limits) => createFileJournal({ folder: `${folder.path}/journal`, ...limits }),
      remove: folder.remove,
    }
  },
  true,
)

describeJournalContract(
  'IndexedDB',
  async () => {
    globalThis.indexedDB = new IDBFactory()
    return { open: createIndexedDbJournal, remove: async () => undefined }
  },
  true,
)
