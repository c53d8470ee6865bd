/**
 * Requests that wait for a replica. While no server of a backend is usable, a few lines of Lua in HAProxy let its requests sleep in short
 * steps, and tell whoever listens at a socket in the container's memory. There a second, tiny HAProxy, started by `exec` as long as we
 * are there, writes the backend's name to its standard output: it costs nothing while nobody waits, where asking every
 * tenth of a second for days would. Nobody listens while Pilothouse is closed; as telling is repeated, who still waits when it is back is heard.
 */
import type { Disposable } from '../../base/lifecycle';
import type { Engine, EngineSession } from '../engine';
import { paths } from './config';

const watchConfigPath = '/usr/local/etc/haproxy/watch.cfg';
const watchScriptPath = '/usr/local/etc/haproxy/watch.lua';
/** Names are not longer, and many come in one piece, characters. */
const longest = 100_000;

/**
 * Telling goes through HAProxy's own sockets, which never block it; one request per backend tells, four times a second. A rule of TCP
 * may not sleep itself: one whose sleep is over before HAProxy has noted it would be looked at only when its time to inspect is over.
 * It waits for the answer of a service that sleeps in its place.
 */
const holdScript = `local told = {}
local function now()
  local time = core.now()
  return time.sec * 1000 + time.usec / 1000
end
local function tell(backend)
  local socket = core.tcp()
  socket:settimeout(1)
  if socket:connect("unix@${paths.heldSocket}") then socket:send(backend .. "\\n") end
  socket:close()
end
local function sleep(fetches, backend, limit)
  local start = now()
  while fetches:nbsrv(backend) == 0 do
    local waited = now() - start
    if waited >= limit then return end
    if now() - (told[backend] or 0) >= 250 then
      told[backend] = now()
      tell(backend)
    end
    core.msleep(waited < 1000 and 5 or 25)
  end
end
core.register_action("hold", { "http-req" }, function(txn, backend, limit)
  sleep(txn.f, backend, tonumber(limit))
end, 2)
core.register_service("sleeper", "tcp", function(applet)
  local backend, limit = (applet:getline() or ""):match("^(%S+) (%d+)")
  if backend then sleep(applet.f, backend, tonumber(limit)) end
  applet:send("\\n")
end)
core.register_action("hold_stream", { "tcp-req" }, function(txn, backend, limit)
  local socket = core.tcp()
  socket:settimeout(tonumber(limit) / 1000 + 2)
  if socket:connect("unix@${paths.sleepSocket}") then
    socket:send(backend .. " " .. limit .. "\\n")
    socket:receive("*l")
  end
  socket:close()
end, 2)
`;

const watchScript = `core.register_service("held", "tcp", function(applet)
  local name = applet:getline()
  if name then
    io.write(name)
    io.flush()
  end
end)
`;

const watchConfig = `global
  nbthread 1
  maxconn 100
  lua-load ${watchScriptPath}
defaults
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend held
  mode tcp
  bind unix@${paths.heldSocket} mode 600
  tcp-request content use-service lua.held
`;

/** The files in the gateway's container. */
export const holdFiles: readonly { path: string; text: string }[] = [
  { path: paths.holdScript, text: holdScript },
  { path: watchScriptPath, text: watchScript },
  { path: watchConfigPath, text: watchConfig },
];

/** HAProxy does not read its standard input: somebody else ends it when that is closed, so that it goes when we do. */
const watchCommand = `exec 3<&0; (cat <&3; kill $$) >/dev/null 2>&1 & exec haproxy -db -f ${watchConfigPath} 3<&-`;

/** Hears which backends have somebody waiting. */
export class Watch implements Disposable {
  private text = '';
  private session: EngineSession | undefined;
  private over = false;

  private constructor(private readonly onHeld: (backend: string) => void) {}

  /** Begins to listen in the gateway's container. */
  static async open(
    engine: Engine,
    container: string,
    on: { held: (backend: string) => void; end: () => void },
  ): Promise<Watch> {
    const watch = new Watch(on.held);
    const session = await engine.session(container, ['sh', '-c', watchCommand], (text) => watch.take(text), {
      user: 'root',
    });
    watch.session = session;
    void session.ended.then(() => {
      if (watch.over) return;
      watch.over = true;
      on.end();
    });
    return watch;
  }

  get isOpen(): boolean {
    return !this.over;
  }

  dispose(): void {
    this.over = true;
    this.session?.dispose();
  }

  private take(text: string): void {
    const lines = (this.text + text).split('\n');
    this.text = (lines.pop() ?? '').slice(-longest);
    for (const line of new Set(lines)) if (!this.over && line !== '') this.onHeld(line);
  }
}
