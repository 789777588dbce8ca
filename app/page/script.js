// Shows what /api/v1/status/stream sends, the ledger's totals, and on a click why a log is or is not arriving. Nothing
// is computed here that the agent could say, and nothing that comes from a log or a server is ever taken for markup.
"use strict";

const byId = (id) => document.getElementById(id);
const collator = new Intl.Collator("en", {numeric: true});
const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const RETRY_MILLISECONDS = 3000;
const STALE_MILLISECONDS = 10000;
const LEDGER_MILLISECONDS = 5000;

// Values for people.

function number(value) {
  if (value === 0) return "0";
  if (value < 0.1) return "<0.1";
  return value < 10 ? value.toFixed(1) : whole.format(value);
}

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  const digits = unit > 0 && value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

function duration(seconds) {
  if (seconds === 0) return "0 s";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const percent = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;

// Small pieces of the page.

function make(name, properties = {}, children = []) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Only what changed is written, so that a selection stays and a screen reader is not made to repeat.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// `rows` become the children of `body`, each made once for its key.
function reconcile(body, rows, makeRow, updateRow) {
  const old = body.rowsByKey ?? new Map();
  body.rowsByKey = new Map();
  let place = body.firstChild;
  for (const row of rows) {
    const element = old.get(row.key) ?? makeRow(row);
    old.delete(row.key);
    body.rowsByKey.set(row.key, element);
    updateRow(element, row);
    if (element === place) {
      place = place.nextSibling;
    } else {
      body.insertBefore(element, place);
    }
  }
  for (const element of old.values()) element.remove();
}

// The sentence at the top.

const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);
const reasons = (counts) => Object.keys(counts).filter((reason) => counts[reason] > 0).join(", ");

function losses(totals) {
  const texts = [];
  const lost = sum(totals.lost_bytes);
  if (lost > 0) texts.push(`${bytes(lost)} were lost since the start (${reasons(totals.lost_bytes)})`);
  const {corrupt, rejected, rate_limited: limited} = totals.dropped_bytes;
  if (corrupt > 0) texts.push(`${bytes(corrupt)} were dropped because they are in no known format`);
  if (rejected > 0) texts.push(`${bytes(rejected)} were refused and are dead letters`);
  if (limited > 0) texts.push(`${bytes(limited)} were dropped because they were beyond a limit of fairness`);
  return texts;
}

const sentence = (parts) => parts.length > 0 ? `${parts.join("; ")}.` : "";
const complaint = (sink) => `for ${duration(sink.since_seconds)}: ${sink.error}`;
const VERBS = {failing: "does not take records", rejecting: "refuses most documents"};

function judge(status) {
  const {totals} = status;
  const failing = status.sinks.filter((sink) => sink.state !== "ok");
  const notes = losses(totals);
  if (status.not_ready) return {kind: "failing", headline: `Not ready: ${status.not_ready}`, detail: [sentence(notes)]};
  if (failing.length > 0) {
    const names = failing.map((sink) => sink.name).join(" and ");
    const lines = failing.map((sink) => `${sink.name}, ${complaint(sink)}`);
    const wait = `${notes.length > 0 ? "" : "Nothing is lost; "}${bytes(totals.pending_bytes)} wait in their files`;
    const verb = failing.length > 1 ? "have trouble" : VERBS[failing[0].state];
    return {kind: "failing", headline: `${names} ${verb}`, detail: [...lines, sentence([wait, ...notes])]};
  }
  if (status.logs_total === 0) {
    const looks = `The agent ${looksIn(status)}`;
    return {kind: "", headline: "Waiting for the first log", detail: [sentence([looks, ...notes])]};
  }
  if (totals.oldest_unsettled_seconds > 60) {
    const behind = `The oldest line has waited for ${duration(totals.oldest_unsettled_seconds)}`;
    const wait = `${bytes(totals.pending_bytes)} wait in their files`;
    return {kind: "warn", headline: "Falling behind", detail: [sentence([behind, wait, ...notes])]};
  }
  const kind = notes.length > 0 ? "warn" : "good";
  if (totals.pending_bytes > 0) {
    const way = `${bytes(totals.pending_bytes)} are on their way`;
    return {kind, headline: "All is well", detail: [sentence([way, ...notes])]};
  }
  return {kind, headline: "Everything that was written is delivered", detail: [sentence(notes)]};
}

function looksIn(status) {
  const places = status.sources.map((source) => source.path);
  return places.length > 0 ? `looks for logs in ${places.join(", ")}` : "no source of logs is configured";
}

function showState({kind, headline, detail}) {
  byId("state").className = `state ${kind}`;
  setText(byId("headline"), headline);
  const lines = detail.filter(Boolean).map((line) => ({key: line}));
  reconcile(byId("detail"), lines, ({key}) => make("p", {textContent: key}), () => {});
}

// Tiles with their last two minutes.

const TILES = [
  {title: "Lines per second", series: "lines_per_second", format: number},
  {title: "Bytes per second", series: "bytes_per_second", format: bytes},
  {title: "Pending", series: "pending_bytes", format: bytes},
  {title: "Oldest unsettled", series: "oldest_unsettled_seconds", format: duration},
  {title: "Memory", series: "resident_bytes", format: bytes},
  {title: "CPU", series: "cpu_percent", format: percent},
];
const CURVE_POINTS = 60;

function makeTile({title}) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${CURVE_POINTS - 1} 34`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const name of ["area", "curve"]) {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("class", name);
    svg.append(path);
  }
  return make("article", {className: "tile"}, [make("h2", {textContent: title}), make("p"), svg]);
}

function updateTile(tile, {values, format}) {
  const [value, unit] = format(values.at(-1)).split(" ");
  const shown = tile.querySelector("p");
  if (shown.textContent !== [value, unit].join(" ")) {
    shown.replaceChildren(value, make("small", {textContent: ` ${unit ?? ""}`}));
  }
  tile.title = `At most ${format(Math.max(...values))} in the last two minutes`;
  const most = Math.max(...values) || 1;
  const left = CURVE_POINTS - values.length;
  const points = values.map((point, i) => `${left + i},${(32 - 29 * point / most).toFixed(1)}`);
  const [area, curve] = tile.querySelectorAll("path");
  curve.setAttribute("d", `M${points.join("L")}`);
  area.setAttribute("d", `M${left},34L${points.join("L")}L${CURVE_POINTS - 1},34Z`);
}

function showTiles(history) {
  const tiles = TILES.map((tile) => ({...tile, key: tile.series, values: history[tile.series]}));
  reconcile(byId("tiles"), tiles, makeTile, updateTile);
}

// Sinks.

function makeSink() {
  const row = make("tr", {}, [
    make("th", {scope: "row"}), make("td", {}, [make("span")]),
    make("td", {}, [make("span"), make("p", {className: "error"})]),
  ]);
  for (const label of ["Records/s", "Records", "In flight"]) {
    const number = make("td", {className: "number"});
    number.dataset.label = label;
    row.append(number);
  }
  return row;
}

function updateSink(row, sink) {
  const [name, state, target, rate, records, flight] = row.cells;
  if (!name.firstChild) name.append(make("b"), make("span", {className: "muted"}));
  setText(name.firstChild, sink.name);
  setText(name.lastChild, sink.type === sink.name ? "" : ` ${sink.type}`);
  state.firstChild.className = `pill ${sink.state}`;
  setText(state.firstChild, sink.state);
  setText(target.firstChild, sink.target);
  setText(target.lastChild, sink.error && complaint(sink));
  target.lastChild.hidden = !sink.error;
  setText(rate, number(sink.records_per_second));
  setText(records, whole.format(sink.records));
  setText(flight, bytes(sink.in_flight_bytes));
}

// The ledger.

function makeRoute() {
  const row = make("tr", {}, [make("th", {scope: "row"}, [make("b"), make("p", {className: "error"})])]);
  for (const label of ["Produced", "Acknowledged", "Dropped", "Lost", "Pending"]) {
    const cell = make("td", {className: "number"});
    cell.dataset.label = label;
    row.append(cell);
  }
  return row;
}

function updateRoute(row, route) {
  const lost = Object.entries(route.lost_bytes).map(([reason, count]) => `${reason} ${bytes(count)}`).join(", ");
  const [name, complaint] = row.cells[0].children;
  setText(name, route.route);
  setText(complaint, lost && `lost: ${lost}`);
  complaint.hidden = !lost;
  const cells = [route.produced_bytes, route.acknowledged_bytes, sum(route.dropped_bytes), sum(route.lost_bytes),
    route.in_flight_bytes + route.unread_bytes];
  cells.forEach((value, i) => {
    const cell = row.cells[i + 1];
    setText(cell, bytes(value));
    cell.title = `${whole.format(value)} bytes`;
    cell.classList.toggle("zero", value === 0);
    cell.classList.toggle("lost", i === 3 && value > 0);
  });
}

function showLedger(ledger) {
  const missing = ledger.routes.reduce((all, route) => all + route.imbalance_bytes, 0);
  const verdict = ledger.balanced ? "it balances" : `it does not balance, ${bytes(missing)} are missing: a bug`;
  setText(byId("ledger-verdict"), `since ${ledger.epoch.since}: ${verdict}`);
  byId("ledger-verdict").classList.toggle("lost", !ledger.balanced);
  reconcile(byId("ledger"), ledger.routes.map((route) => ({...route, key: route.route})), makeRoute, updateRoute);
}

async function askLedger() {
  if (document.hidden) return;
  try {
    const answer = await fetch("api/v1/ledger?limit=0");
    if (answer.ok) showLedger(await answer.json());
  } catch {
    // The stream says that the agent is gone.
  }
}

// Why a log is or is not arriving.

async function explain(log) {
  const name = `${log.namespace}/${log.pod}/${log.container}`;
  const close = make("button", {type: "button", textContent: "Close"});
  close.addEventListener("click", () => { byId("explanation").hidden = true; });
  const lines = [];
  try {
    const answer = await fetch(`api/v1/explain?pod=${encodeURIComponent(name)}`);
    if (!answer.ok) throw new Error(await answer.text());
    const {logs, notes} = await answer.json();
    const same = logs.filter((found) => found.pod_uid === log.pod_uid && found.restart === log.restart);
    for (const {text, remedy} of [...notes, ...same.flatMap((found) => found.sentences)]) {
      lines.push(make("li", {textContent: text}, remedy ? [make("p", {className: "muted", textContent: remedy})] : []));
    }
  } catch (error) {
    lines.push(make("li", {textContent: `The agent cannot say: ${error.message}`}));
  }
  const title = log.restart > 0 ? `${name}, restart ${log.restart}` : name;
  byId("explanation").replaceChildren(make("h3", {textContent: title}), close, make("ul", {}, lines));
  byId("explanation").hidden = false;
}

// Logs.

const COLUMNS = [
  {title: "Namespace", key: "namespace", wide: true},
  {title: "Pod", key: "pod"},
  {title: "Container", key: "container", wide: true},
  {title: "Restart", key: "restart", format: whole.format, wide: true},
  {title: "Lines/s", key: "lines_per_second", format: number},
  {title: "Bytes/s", key: "bytes_per_second", format: bytes, wide: true},
  {title: "Lines", key: "lines", format: whole.format, wide: true},
  {title: "Pending", key: "pending_bytes", format: bytes},
  {title: "Oldest", key: "oldest_unsettled_seconds", format: duration},
];
let sorting = {key: "pending_bytes", descending: true};
let shown = null;

function makeColumns() {
  for (const column of COLUMNS) {
    const button = make("button", {type: "button", textContent: column.title});
    button.addEventListener("click", () => {
      const again = sorting.key === column.key;
      sorting = {key: column.key, descending: again ? !sorting.descending : Boolean(column.format)};
      if (shown) showLogs(shown);
    });
    const head = make("th", {scope: "col"}, [button]);
    head.classList.toggle("number", Boolean(column.format));
    head.classList.toggle("wide", Boolean(column.wide));
    byId("columns").append(head);
  }
}

function compare(a, b) {
  const order = typeof a[sorting.key] === "number"
    ? a[sorting.key] - b[sorting.key] : collator.compare(a[sorting.key], b[sorting.key]);
  return (sorting.descending ? -order : order) || b.lines_per_second - a.lines_per_second ||
    collator.compare(a.key, b.key);
}

function makeLog() {
  const row = make("tr");
  for (const column of COLUMNS) {
    const content = column.key === "pod" ? make("button", {type: "button", title: "Why or why not?"}) : make("span");
    const cell = make("td", {}, [content]);
    cell.classList.toggle("number", Boolean(column.format));
    cell.classList.toggle("wide", Boolean(column.wide));
    if (column.key === "pod") {
      content.addEventListener("click", () => explain(row.log));
      cell.append(make("span", {className: "narrow"}));
    }
    row.append(cell);
  }
  return row;
}

function updateLog(row, log) {
  row.log = log;
  COLUMNS.forEach((column, i) => {
    const cell = row.cells[i];
    const value = log[column.key];
    setText(cell.firstChild, column.format ? column.format(value) : value);
    cell.classList.toggle("zero", value === 0);
    cell.classList.toggle("waits", column.key === "oldest_unsettled_seconds" && value > 60);
    if (column.key === "pod") setText(cell.lastChild, `${log.namespace} · ${log.container}`);
  });
}

function showLogs(status) {
  COLUMNS.forEach((column, i) => {
    const head = byId("columns").cells[i];
    if (column.key !== sorting.key) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", sorting.descending ? "descending" : "ascending");
  });
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const logs = status.logs
    .map((log) => ({...log, key: `${log.namespace}/${log.pod}/${log.container}/${log.restart}/${log.pod_uid}`}))
    .filter((log) => words.every((word) => log.key.toLowerCase().includes(word)))
    .sort(compare);
  reconcile(byId("logs"), logs, makeLog, updateLog);
  const all = status.logs_total;
  const cut = status.logs.length < all ? `, shown are the ${status.logs.length} with most to do` : "";
  const found = words.length > 0 ? `${logs.length} of ${whole.format(all)}` : whole.format(all);
  setText(byId("logs-count"), found + cut);
  const nothing = all === 0 ? `There are no logs yet. The agent ${looksIn(status)}.` : "No log has these words.";
  setText(byId("empty"), nothing);
  byId("empty").hidden = logs.length > 0;
  document.querySelector(".logs").hidden = logs.length === 0;
}

function show(status) {
  shown = status;
  document.body.classList.remove("stale");
  document.title = `${status.node} – Hinomi`;
  setText(byId("node"), status.node);
  setText(byId("cluster"), `cluster ${status.cluster}`);
  setText(byId("version"), `version ${status.version} (${status.commit})`);
  setText(byId("uptime"), `The agent runs for ${duration(status.uptime_seconds)}.`);
  showState(judge(status));
  showTiles(status.history);
  reconcile(byId("sinks"), status.sinks.map((sink) => ({...sink, key: sink.name})), makeSink, updateSink);
  showLogs(status);
}

// The stream, and what to do without it.

let stream = null;
let silence = 0;

function lost(detail) {
  document.body.classList.add("stale");
  showState({kind: "warn", headline: "Connection lost, trying again", detail: [detail]});
}

function heard(event) {
  clearTimeout(silence);
  silence = setTimeout(() => lost("The agent has said nothing for ten seconds."), STALE_MILLISECONDS);
  show(JSON.parse(event.data));
}

// There is a limit to streams: whoever gets none asks now and then.
async function ask() {
  try {
    const answer = await fetch("api/v1/status");
    if (answer.ok) show(await answer.json());
    else lost(await answer.text());
  } catch {
    lost("The agent does not answer.");
  }
}

function connect() {
  clearTimeout(silence);
  stream?.close();
  stream = null;
  if (document.hidden) return;
  stream = new EventSource("api/v1/status/stream");
  stream.addEventListener("status", heard);
  stream.onerror = () => {
    stream?.close();
    ask();
    setTimeout(connect, RETRY_MILLISECONDS);
  };
}

makeColumns();
byId("filter").addEventListener("input", () => shown && showLogs(shown));
// What nobody looks at takes no stream from others.
document.addEventListener("visibilitychange", connect);
document.addEventListener("visibilitychange", askLedger);
setInterval(askLedger, LEDGER_MILLISECONDS);
connect();
askLedger();
