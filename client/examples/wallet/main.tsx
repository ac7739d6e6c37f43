import { createRoot } from 'react-dom/client'
import { App } from './components/App.tsx'
import { trustBlobWorkers } from './trustBlobWorkers.ts'

trustBlobWorkers()
const place = document.getElementById('wallet')
if (place) createRoot(place).render(<App />)
