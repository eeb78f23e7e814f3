import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './main.css'
import { createTheme, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiProblem } from './api/problem.ts'
import { startLanguages } from './language/language.ts'
import { fetchPages, router } from './routes.tsx'

const RETRIES = 2
/** By then the first page has asked for what it shows. */
const IDLE_AFTER_MS = 2_000

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A no stays a no; what could not be asked may work the next time.
      retry: (failures, error) =>
        failures < RETRIES && (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 500),
      refetchOnWindowFocus: true,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})

const theme = createTheme({
  fontFamily: "system-ui, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, 'D2Coding', monospace",
  respectReducedMotion: true,
  // 4.5 to 1 for what is read on a colour (WCAG 2.2, 1.4.3).
  autoContrast: true,
  primaryShade: 8,
})

await startLanguages()
const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element #root')
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-right" />
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
setTimeout(() => void fetchPages(), IDLE_AFTER_MS)
