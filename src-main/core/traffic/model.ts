/** What the gateway is to do, as plain typed values. `config` writes it down, `slots` fills its servers. */

/** A port of the machine that leads to one backend. */
export interface Frontend {
  name: string;
  /** Absent: every address. */
  address?: string;
  port: number;
  mode: 'tcp' | 'http';
  backend: string;
  /** TLS ends here, with this certificate. */
  certificate?: string;
}

/** `http://host/pathPrefix` leads to one backend. */
export interface Route {
  host: string;
  pathPrefix?: string;
  backend: string;
  /** It is answered on the TLS port, too, with this certificate; `redirect` sends those there who come to the plain one. */
  certificate?: string;
  redirect?: boolean;
}

/** A seat for one replica. Seats are made in advance, so that replicas come and go without a reload. */
export interface Server {
  /** `s1`, `s2`, … */
  name: string;
  /** Absent while the seat is empty. */
  address?: string;
  port?: number;
  state: 'ready' | 'drain' | 'maint';
  /** 0 to 256. */
  weight: number;
}

export interface Backend {
  /** `<stack>/<service>:<target>` with the slash as `_`. */
  name: string;
  mode: 'tcp' | 'http';
  algorithm: 'roundrobin' | 'leastconn' | 'source' | 'consistent-hash' | 'static-rr';
  /** The header that consistent hashing looks at; absent: the client's address. */
  hashOn?: string;
  sticky: boolean;
  /** Milliseconds. */
  slowStart?: number;
  check: { path?: string; interval: number; rise: number; fall: number };
  /** Requests wait up to so many milliseconds while no server is usable; absent: they are turned away at once. */
  hold?: number;
  servers: Server[];
}

export interface GatewayModel {
  frontends: Frontend[];
  routes: Route[];
  backends: Backend[];
  /** Where `routes` are answered, and those with a certificate encrypted. */
  routePort: number;
  securePort: number;
  /** Absent: every address, as inside a container whose port is published on the loopback address alone. */
  routeAddress?: string;
}

/** The weight of a replica that nobody changed: half way, so that there is room on both sides. */
export const usualWeight = 100;
