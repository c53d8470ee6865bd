/**
 * haproxy.cfg from typed values. Everything that comes from a file of the user is held against an allow-list first (S28): a name that
 * does not fit is refused, never escaped. The keywords are those of HAProxy's configuration manual, 2.4 and later.
 */
import type { Backend, Frontend, GatewayModel, Route, Server } from './model';

/** Where the files are inside the container; folders of the official image. */
export const paths = {
  config: '/usr/local/etc/haproxy/haproxy.cfg',
  candidate: '/usr/local/etc/haproxy/candidate.cfg',
  relay: '/usr/local/etc/haproxy/relay.cfg',
  relayScript: '/usr/local/etc/haproxy/relay.lua',
  socket: '/var/lib/haproxy/admin.sock',
  holdScript: '/usr/local/etc/haproxy/hold.lua',
  /** Where requests that wait tell it, and where those of TCP do. */
  heldSocket: '/run/pilothouse/held.sock',
  sleepSocket: '/run/pilothouse/sleep.sock',
  /** Memory of the container, and in it a folder of nothing but certificates with their keys. */
  memory: '/run/pilothouse',
  certificates: '/run/pilothouse/certificates',
  /** What a HAProxy that starts while nobody watches has in the place of certificates, and which there are. */
  placeholder: '/usr/local/etc/haproxy/placeholder.pem',
  certificateList: '/usr/local/etc/haproxy/certificates.list',
} as const;

/** Something that must not get into a configuration. */
export class UnsafeValue extends Error {
  override readonly name = 'UnsafeValue';
}

const allowed = {
  name: /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,190}$/,
  host: /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
  path: /^\/[A-Za-z0-9/._~-]{0,500}$/,
  address: /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{2,45})$/,
  header: /^[A-Za-z][A-Za-z0-9-]{0,62}$/,
  stamp: /^[0-9a-f]{1,64}$/,
} as const;

function safe(kind: keyof typeof allowed, value: string): string {
  if (!allowed[kind].test(value))
    throw new UnsafeValue(`${JSON.stringify(value.slice(0, 80))} is no ${kind} for the gateway`);
  return value;
}

function whole(value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UnsafeValue(`${value} is not from ${least} to ${most}`);
  return value;
}

/** True when a value of the user may stand in the configuration. */
export function isSafe(kind: keyof typeof allowed, value: string): boolean {
  return allowed[kind].test(value);
}

/**
 * The whole configuration. `stamp` (hex digits) tells later which configuration a running HAProxy has read.
 * @throws UnsafeValue
 */
export function gatewayConfig(model: GatewayModel, stamp: string): string {
  const secure = secureNames(model).length > 0;
  const holds = model.backends.some(({ hold }) => hold !== undefined);
  const lines = [
    'global',
    `  description ${safe('stamp', stamp)}`,
    // Mozilla's intermediate profile; TLS 1.3 has good ciphers only.
    ...(secure
      ? [
          '  ssl-default-bind-options ssl-min-ver TLSv1.2 prefer-client-ciphers',
          `  ssl-default-bind-ciphers ${ciphers}`,
        ]
      : []),
    `  stats socket unix@${paths.socket} mode 600 level admin expose-fd listeners`,
    '  stats timeout 1m',
    '  hard-stop-after 10m',
    ...(holds ? [`  lua-load ${paths.holdScript}`] : []),
    '',
    'ring latency',
    '  format raw',
    '  maxlen 300',
    '  size 65536',
    '',
    'defaults',
    '  log ring@latency local0',
    '  option dontlognull',
    '  option redispatch 1',
    '  retries 3',
    '  timeout connect 2s',
    '  timeout client 1h',
    '  timeout server 1h',
    '  timeout tunnel 1h',
    '  timeout client-fin 30s',
    '  timeout http-keep-alive 1m',
    '  timeout http-request 1m',
    '  timeout check 1s',
    '  timeout queue 10s',
    '',
  ];
  if (holds) lines.push(...sleeperLines, '');
  for (const frontend of model.frontends) lines.push(...frontendLines(frontend), '');
  if (model.routes.length > 0) lines.push(...routeLines(model), '');
  for (const backend of model.backends) lines.push(...backendLines(backend), '');
  return lines.join('\n');
}

const ciphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** Where HAProxy finds a certificate. Names may hold one slash, files none. */
export function certificateFile(name: string): string {
  return `${paths.certificates}/${safe('name', name.replace('/', ':'))}.pem`;
}

/** The certificates that a configuration speaks of, sorted. */
export function secureNames({ frontends, routes }: Pick<GatewayModel, 'frontends' | 'routes'>): string[] {
  return [...new Set([...frontends, ...routes].flatMap(({ certificate }) => certificate ?? []))].sort();
}

/** Of one backend. */
const mostHeld = 1000;

const formats = {
  http: '  log-format "%rt %b %s %Tr %ST"',
  tcp: '  log-format "%rt %b %s %Tt 0"',
} as const;

/**
 * Above so many requests a second only some of them are written down for their times, since formatting costs more than passing on; and none
 * is kept to be sent once more to another replica, since the copy costs a quarter of all that HAProxy does for it.
 */
const busy = 1000;
const sampled = `  http-request set-log-level silent if { fe_req_rate gt ${busy} } { rand(20) gt 0 }`;

function frontendLines(frontend: Frontend): string[] {
  const { name, address, port, mode, backend, certificate } = frontend;
  const tls = certificate === undefined ? '' : ` ssl crt ${certificateFile(certificate)}`;
  const place = address === undefined ? '*' : safe('address', address).includes(':') ? `[${address}]` : address;
  return [
    `frontend ${safe('name', name)}`,
    `  mode ${mode}`,
    formats[mode],
    `  bind ${place}:${whole(port, 1, 65_535)}${tls}`,
    ...(mode === 'http' ? ['  option forwardfor', sampled] : []),
    ...(mode === 'http' && tls !== '' ? [forwardedAsSecure] : []),
    `  default_backend ${safe('name', backend)}`,
  ];
}

const forwardedAsSecure = '  http-request set-header X-Forwarded-Proto https';

function routeLines({ routes, routePort, routeAddress, securePort }: GatewayModel): string[] {
  const place = routeAddress === undefined ? '*' : safe('address', routeAddress);
  const lines = [
    'frontend routes',
    '  mode http',
    formats.http,
    `  bind ${place}:${whole(routePort, 1, 65_535)}`,
    '  option forwardfor',
    sampled,
  ];
  const port = whole(securePort, 1, 65_535) === 443 ? '' : `:${securePort}`;
  for (const route of routes) {
    if (route.certificate === undefined || route.redirect !== true) continue;
    const to = `https://${safe('host', route.host)}${port}%[pathq]`;
    lines.push(`  http-request redirect location ${to} code 308 if ${matches(route)}`);
  }
  lines.push(...ruleLines(routes));
  const secure = routes.filter((route) => route.certificate !== undefined);
  if (secure.length > 0) {
    lines.push(
      '',
      'frontend secure-routes',
      '  mode http',
      formats.http,
      // The folder's certificates are told apart by the host that a client asks for; who asks for none of them gets none.
      `  bind ${place}:${securePort} ssl strict-sni crt ${paths.certificates}/`,
      '  option forwardfor',
      sampled,
      forwardedAsSecure,
      ...ruleLines(secure),
    );
  }
  lines.push(
    '',
    'backend nobody',
    '  mode http',
    '  http-request return status 404 content-type text/plain string "No service answers here"',
  );
  return lines;
}

function matches({ host, pathPrefix }: Route): string {
  const path = pathPrefix === undefined ? '' : ` { path_beg ${safe('path', pathPrefix)} }`;
  return `{ hdr(host),field(1,:) -i ${safe('host', host)} }${path}`;
}

function ruleLines(routes: readonly Route[]): string[] {
  // The longest prefix of a host is asked for first.
  const ordered = [...routes].sort((one, other) => (other.pathPrefix ?? '').length - (one.pathPrefix ?? '').length);
  return [
    ...ordered.map((route) => `  use_backend ${safe('name', route.backend)} if ${matches(route)}`),
    // Not a rule of the frontend: those come before its backends are chosen.
    '  default_backend nobody',
  ];
}

function backendLines(backend: Backend): string[] {
  const { name, mode, algorithm, hashOn, sticky, slowStart, check, servers } = backend;
  const lines = [`backend ${safe('name', name)}`, `  mode ${mode}`, ...holdLines(backend)];
  switch (algorithm) {
    case 'consistent-hash':
      lines.push(
        mode === 'http' && hashOn !== undefined ? `  balance hdr(${safe('header', hashOn)})` : '  balance source',
      );
      lines.push('  hash-type consistent');
      break;
    case 'source':
      // A hash by table would take no weight while it runs, and would move nearly everybody when a replica comes.
      lines.push('  balance source', '  hash-type consistent');
      break;
    default:
      lines.push(`  balance ${algorithm}`);
  }
  if (mode === 'http') {
    // A request that may have been carried out is not sent twice.
    const once = `!METH_GET or { be_sess_rate(${name}) gt ${busy} }`;
    lines.push('  retry-on conn-failure empty-response', `  http-request disable-l7-retry if ${once}`);
    if (sticky) lines.push('  cookie PILOTHOUSE insert indirect nocache httponly');
    if (check.path !== undefined)
      lines.push('  option httpchk', `  http-check send meth GET uri ${safe('path', check.path)}`);
  } else if (sticky) {
    lines.push('  stick-table type ip size 100k expire 30m', '  stick on src');
  }
  const interval = whole(check.interval, 100, 86_400_000);
  const slow = slowStart === undefined ? '' : ` slowstart ${whole(slowStart, 0, 86_400_000)}ms`;
  lines.push(
    `  default-server check inter ${interval}ms fastinter ${Math.min(500, interval)}ms rise ${whole(check.rise, 1, 100)} fall ${whole(check.fall, 1, 100)}${slow}`,
  );
  for (const server of servers) lines.push(serverLine(server, mode === 'http' && sticky));
  return lines;
}

const sleeperLines = [
  'frontend sleeper',
  '  mode tcp',
  '  no log',
  `  bind unix@${paths.sleepSocket} mode 600`,
  '  tcp-request content use-service lua.sleeper',
];

/** Who comes while nobody is there waits (see hold.ts); afterwards, or where too many wait already, is turned away. */
function holdLines({ name, mode, hold }: Backend): string[] {
  if (hold === undefined) return [];
  const nobody = `{ nbsrv(${name}) eq 0 }`;
  const wait = `${name} ${whole(hold, 1000, 600_000)} if ${nobody} { be_conn(${name}) le ${mostHeld} }`;
  if (mode === 'http') {
    const answer = 'status 503 content-type text/plain string "No replica was ready in time" hdr Retry-After 5';
    return [`  http-request lua.hold ${wait}`, `  http-request return ${answer} if ${nobody}`];
  }
  // Rules of TCP may wait as long as they may inspect.
  return [
    `  tcp-request inspect-delay ${hold + 5000}ms`,
    `  tcp-request content lua.hold_stream ${wait}`,
    `  tcp-request content reject if ${nobody}`,
  ];
}

function serverLine(server: Server, cookie: boolean): string {
  const { name, address, port, state, weight } = server;
  const place =
    address === undefined || port === undefined
      ? '127.0.0.1:1'
      : `${safe('address', address).includes(':') ? `[${address}]` : address}:${whole(port, 1, 65_535)}`;
  // Weight 0 is how a configuration says drain.
  const heavy = state === 'drain' ? 0 : whole(weight, 0, 256);
  const off = state === 'maint' || address === undefined ? ' disabled' : '';
  return `  server ${safe('name', name)} ${place} weight ${heavy}${cookie ? ` cookie ${name}` : ''}${off}`;
}

/**
 * The second, tiny HAProxy that takes commands from its standard input: the admin socket needs no port, and the image no other tool.
 * Its buffer holds the longest answer: one that does not fit would never be handed to the script.
 */
export const relayConfig = `global
  nbthread 1
  tune.bufsize 4000000
  lua-load ${paths.relayScript}
defaults
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend nobody
  bind unix@/tmp/pilothouse-relay-\${HOSTNAME}.sock
`;

/**
 * One line in, \`<id> <command>\`; out come \`<id> <bytes>\` and the answer, or -1 when HAProxy does not answer. A unit separator stands
 * for a line feed of the command. \`@file <path> <text>\` and \`@drop <path>\` write and remove a file instead: what comes this way
 * is in no argument and no layer of the container. Reading waits on purpose.
 */
export const relayScript = `local function file(path, text)
  local draft = "${paths.memory}/draft"
  local handle = io.open(draft, "w")
  if not handle then return "no file" end
  handle:write(text)
  handle:close()
  return os.rename(draft, path) and "done" or "no file"
end
core.register_task(function()
  while true do
    local line = io.read("*l")
    if not line then os.exit(0) end
    local id, command = line:match("^(%d+) (.*)$")
    local path, text = (command or ""):match("^@file (%S+) (.*)$")
    local gone = (command or ""):match("^@drop (%S+)$")
    if path or gone then
      local answer = path and file(path, (text:gsub("\\31", "\\n"))) or "done"
      if gone then os.remove(gone) end
      io.write(id, " ", #answer, "\\n", answer)
      io.flush()
    elseif id then
      command = command:gsub("\\31", "\\n")
      local socket = core.tcp()
      socket:settimeout(5)
      if socket:connect("unix@${paths.socket}") and socket:send(command .. "\\n") then
        local answer = socket:receive("*a") or ""
        io.write(id, " ", #answer, "\\n", answer)
      else
        io.write(id, " -1\\n")
      end
      io.flush()
      socket:close()
    end
  end
end)
`;
