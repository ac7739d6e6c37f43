import { createServer } from 'node:net'
import { DashboardError } from '../dashboard/openDashboard.ts'

/** Whether the dashboard could listen there now; nothing is left listening. @throws DashboardError */
export async function checkPort(host: string, port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const advice = error.code === 'EADDRINUSE' || error.code === 'EACCES' ? 'http.port' : 'http.host'
      reject(
        new DashboardError(
          `The dashboard cannot listen on ${host}:${port} (${error.code}). Set another ${advice}.`,
        ),
      )
    })
    server.listen(port, host, () => server.close(() => resolve()))
  })
}
