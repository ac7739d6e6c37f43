/**
 * The overview's script: takes the sections that the broadcaster renders and pushes, draws the charts, keeps times counting, and says when what
 * is shown is old. Everything that comes is rendered, and escaped, by the broadcaster itself.
 */
;(() => {
  const { uPlot, document, matchMedia } = window
  const staleAfterMs = 15_000
  const retryMs = 10_000
  const maxSeries = 8

  const byId = (id) => document.getElementById(id)
  const freshness = byId('freshness')
  const staleBar = byId('stale')

  // Times

  function agoText(ms) {
    const seconds = Math.max(0, Math.round(ms / 1000))
    if (seconds < 100) return `${seconds} s ago`
    if (seconds < 6_000) return `${Math.round(seconds / 60)} min ago`
    return seconds < 172_800
      ? `${Math.round(seconds / 3_600)} h ago`
      : `${Math.round(seconds / 86_400)} days ago`
  }

  /** How far the broadcaster's clock is ahead of this machine's. */
  let aheadMs = 0

  function showTimes() {
    const now = Date.now() + aheadMs
    for (const time of document.querySelectorAll('time[data-ago]')) {
      const text = agoText(now - Date.parse(time.dateTime))
      const shown = time.parentElement?.classList.contains('since') ? text.replace(/ ago$/, '') : text
      if (time.textContent !== shown) time.textContent = shown
    }
  }

  // What is live

  let heardMs = Date.now()
  let isOver = false
  let source

  function showFreshness() {
    const isOld = isOver || Date.now() - heardMs > staleAfterMs
    const at = new Date(heardMs).toLocaleTimeString()
    document.body.classList.toggle('is-stale', isOld)
    freshness.className = isOld ? 'freshness old' : 'freshness live'
    const text = isOld ? `as of ${at}` : 'live'
    if (freshness.textContent !== text) freshness.textContent = text
    staleBar.hidden = !isOld
    if (!isOld) return
    const why = isOver
      ? 'You were logged out.'
      : `Not live: nothing has come from the broadcaster since ${at}, and what is shown is of then.`
    if (staleBar.dataset.why === why) return
    staleBar.dataset.why = why
    staleBar.textContent = `${why} `
    if (isOver) {
      const link = document.createElement('a')
      link.href = '/login'
      link.className = 'again'
      link.textContent = 'Log in again'
      staleBar.append(link)
    }
  }

  function listen() {
    source = new window.EventSource('/events')
    source.addEventListener('status', (event) => {
      const { atMs, sections } = JSON.parse(event.data)
      heardMs = Date.now()
      aheadMs = atMs - heardMs
      for (const [id, html] of Object.entries(sections)) {
        const element = byId(id)
        if (element) element.innerHTML = html
      }
      if (sections.verdict) {
        const headline = document.querySelector('#verdict strong')?.textContent
        if (headline) document.title = `${headline} · Veilcast`
      }
      showTimes()
      showFreshness()
      void loadSamples()
    })
    source.addEventListener('over', () => {
      isOver = true
      source.close()
      showFreshness()
    })
    source.addEventListener('error', () => {
      // Refused, and so not tried again by the browser: too many pages are open, or the broadcaster is starting.
      if (source.readyState === window.EventSource.CLOSED && !isOver) setTimeout(listen, retryMs)
    })
  }

  // Samples

  const samples = { hour: [], day: [] }
  const spanMs = { hour: 3_600_000, day: 86_400_000 }
  const everyMs = { hour: 10_000, day: 120_000 }
  let span = 'hour'
  let loading = false

  async function loadSamples() {
    if (loading) return
    const kept = samples[span]
    const last = kept.at(-1)?.atMs ?? 0
    if (Date.now() + aheadMs - last < everyMs[span]) return
    loading = true
    const wanted = span
    try {
      const response = await fetch(`/history.json?span=${wanted}&after=${last}`)
      if (!response.ok) return
      const more = await response.json()
      const oldest = Date.now() + aheadMs - more.spanMs
      samples[wanted] = [...kept, ...more.samples].filter(({ atMs }) => atMs >= oldest)
      if (wanted === span) draw()
    } catch {
      // The page says by itself that it is old.
    } finally {
      loading = false
    }
  }

  // Charts

  const fixed = (value, digits) => value.toFixed(digits).replace(/\.0+$/, '')
  const seconds = (value) =>
    value < 0.995
      ? `${Math.round(value * 1000)} ms`
      : value < 100
        ? `${fixed(value, 1)} s`
        : `${Math.round(value / 60)} min`
  const millis = (value) => seconds(value / 1000)
  const plain = (value) =>
    value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : fixed(value, 1)
  const quantiles = ['p50', 'p95', 'p99']

  const ofStage = (stage) => (sample) => {
    const found = sample.stages[`${byId('chain').value} ${stage}`]
    return found ? Object.fromEntries(quantiles.map((name, index) => [name, found[index]])) : {}
  }
  const stageWords = {
    exposed: 'at an endpoint',
    included: 'in a block',
    final: 'final',
    refused: 'refused',
    replaced: 'replaced',
    lapsed: 'lapsed',
    held: 'back to waiting',
  }
  const renamed = (record, words) =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [words[key] ?? key, value]))

  const charts = [
    { title: 'Waiting', unit: 'in no block yet', show: plain, of: (one) => one.waiting },
    {
      title: 'Transactions',
      unit: 'a minute',
      show: plain,
      of: (one) => renamed(one.reached, stageWords),
      order: Object.values(stageWords),
      zero: true,
    },
    {
      title: 'Errors told',
      unit: 'a minute',
      show: plain,
      of: (one) => one.failures,
      zero: true,
      none: 'None.',
    },
    {
      title: 'To an endpoint',
      unit: 'since the message',
      show: seconds,
      of: ofStage('exposed'),
      names: quantiles,
      gaps: true,
    },
    {
      title: 'Into a block',
      unit: 'since the message',
      show: seconds,
      of: ofStage('included'),
      names: quantiles,
      gaps: true,
    },
    {
      title: 'To finality',
      unit: 'since the message',
      show: seconds,
      of: ofStage('final'),
      names: quantiles,
      gaps: true,
    },
    { title: 'Endpoints answer in', unit: 'smoothed', show: millis, of: (one) => one.latency },
    {
      title: 'Mixnet round trip',
      unit: 'each Nym client’s last',
      show: millis,
      of: (one) => one.roundTrips,
      none: 'This transport measures none.',
    },
    {
      title: 'Reply blocks held',
      unit: 'SURBs, and who asks',
      show: plain,
      of: (one) => ({ SURBs: one.surbsHeld, askers: one.askers }),
    },
  ]

  function colour(name) {
    return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  }

  function build() {
    const grid = byId('charts')
    grid.replaceChildren()
    for (const chart of charts) {
      const figure = document.createElement('figure')
      figure.className = 'chart'
      const heading = document.createElement('h3')
      const unit = document.createElement('small')
      heading.textContent = chart.title
      unit.textContent = chart.unit
      heading.append(unit)
      chart.place = document.createElement('div')
      chart.legend = document.createElement('ul')
      chart.legend.className = 'legend'
      figure.append(heading, chart.place, chart.legend)
      grid.append(figure)
      chart.plot = undefined
    }
  }

  function draw() {
    const kept = samples[span]
    for (const chart of charts) drawChart(chart, kept)
  }

  function drawChart(chart, kept) {
    const records = kept.map(chart.of)
    const names = chart.names ?? namesOf(records, chart.order)
    const hasData = records.some((record) => names.some((name) => record[name] != null))
    if (kept.length < 2 || !hasData) {
      chart.plot?.destroy()
      chart.plot = undefined
      chart.place.className = 'empty'
      chart.place.textContent =
        kept.length < 2 ? 'The first samples come within half a minute.' : (chart.none ?? 'Nothing yet.')
      chart.legend.replaceChildren()
      return
    }
    const data = [[], ...names.map(() => [])]
    kept.forEach(({ atMs }, index) => {
      // A hole where nobody took samples, and not a line across it.
      if (index > 0 && atMs - kept[index - 1].atMs > everyMs[span] * 3) {
        data[0].push((kept[index - 1].atMs + 1) / 1000)
        for (let at = 1; at < data.length; at++) data[at].push(null)
      }
      data[0].push(atMs / 1000)
      names.forEach((name, at) => {
        data[at + 1].push(records[index][name] ?? (chart.zero ? 0 : null))
      })
    })
    showLegend(chart, names, data)
    const key = `${names.join('\n')} ${span}`
    if (chart.plot && chart.key === key) {
      chart.range = rangeNow()
      chart.plot.setData(data)
      return
    }
    chart.plot?.destroy()
    chart.key = key
    chart.place.className = 'plot'
    chart.place.textContent = ''
    chart.range = rangeNow()
    chart.plot = new uPlot(optionsOf(chart, names), data, chart.place)
    chart.place.setAttribute('role', 'img')
  }

  /** The hour, or the day, up to now, however little of it was seen. */
  function rangeNow() {
    const now = (Date.now() + aheadMs) / 1000
    return [now - spanMs[span] / 1000, now]
  }

  function namesOf(records, order) {
    const names = new Set()
    for (const record of records) for (const name of Object.keys(record)) names.add(name)
    const sorted = order ? order.filter((name) => names.has(name)) : [...names].sort()
    return sorted.slice(0, maxSeries)
  }

  function optionsOf(chart, names) {
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    }
    return {
      width: chart.place.clientWidth,
      height: chart.place.clientHeight,
      legend: { show: false },
      padding: [8, 20, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { range: () => chart.range },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] },
      },
      axes: [
        { ...axis, space: 60, size: 26, values: (_plot, ticks) => ticks.map(clock) },
        { ...axis, size: 54, space: 32, values: (_plot, ticks) => ticks.map((tick) => chart.show(tick)) },
      ],
      series: [
        {},
        ...names.map((name, index) => ({
          label: name,
          stroke: colour(`--series-${index + 1}`),
          width: 1.6,
          spanGaps: chart.gaps === true,
          points: { show: (plot, at) => plot.data[at].filter((one) => one != null).length < 40, size: 4 },
        })),
      ],
      hooks: { setCursor: [(plot) => showLegend(chart, names, plot.data, plot.cursor.idx)] },
    }
  }

  function clock(tick) {
    return new Date(tick * 1000).toLocaleTimeString([], {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  }

  function showLegend(chart, names, data, at) {
    const items = names.map((name, index) => {
      const values = data[index + 1]
      const value = at == null ? values.findLast((one) => one != null) : values[at]
      return { name, index, text: value == null ? '–' : chart.show(value), value }
    })
    chart.legend.replaceChildren(
      ...items.map(({ name, index, text }) => {
        const item = document.createElement('li')
        const mark = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
        const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
        bar.setAttribute('width', '14')
        bar.setAttribute('height', '3')
        bar.setAttribute('class', `series-${index + 1}`)
        mark.setAttribute('viewBox', '0 0 14 3')
        mark.setAttribute('aria-hidden', 'true')
        mark.append(bar)
        const shown = document.createElement('b')
        shown.textContent = text
        item.append(mark, `${name} `, shown)
        return item
      }),
    )
    if (at == null) {
      const text = items.map(({ name, text }) => `${name} ${text}`).join(', ')
      chart.place.setAttribute(
        'aria-label',
        `${chart.title}, ${chart.unit}, over the last ${span}. Latest: ${text}`,
      )
    }
  }

  // The page

  build()
  for (const radio of document.querySelectorAll('input[name=span]')) {
    radio.addEventListener('change', () => {
      span = radio.value
      draw()
      void loadSamples()
    })
  }
  byId('chain').addEventListener('change', draw)
  const rebuild = () => {
    build()
    draw()
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', rebuild)
  let lastWidth = window.innerWidth
  window.addEventListener('resize', () => {
    if (window.innerWidth === lastWidth) return
    lastWidth = window.innerWidth
    for (const { plot, place } of charts)
      plot?.setSize({ width: place.clientWidth, height: place.clientHeight })
  })
  setInterval(() => {
    showTimes()
    showFreshness()
  }, 1_000)
  showTimes()
  showFreshness()
  void loadSamples()
  listen()
})()
