import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The gateway that `npm run dev -w console` asks; that of a local start, unless TIMESALE_GATEWAY names another. */
const gateway = process.env['TIMESALE_GATEWAY'] ?? 'http://localhost:8080'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  server: { host: '127.0.0.1', proxy: { '/api': gateway, '/docs': gateway, '/openapi.json': gateway } },
  build: {
    // Browsers of the last two and a half years.
    target: 'baseline-widely-available',
    // The charts are a chunk of their own, which no page waits for.
    chunkSizeWarningLimit: 700,
  },
})
