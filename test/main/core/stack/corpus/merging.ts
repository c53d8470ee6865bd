/** Several files, extends, include, anchors, variables, profiles. */
import type { ComposeCase } from './case';
import { one } from './case';

export const merging: ComposeCase[] = [
  {
    name: 'override of everything',
    files: {
      'compose.yaml': `
services:
  web:
    image: nginx:1
    command: [a, b]
    environment: [A=1, B=2]
    labels: { x: "1", y: "2" }
    ports: ["80:80", "443:443"]
    volumes: ["data:/data", "./a:/a"]
    dns: 1.1.1.1
    tmpfs: /run
    cap_add: [NET_ADMIN]
    expose: ["80"]
    depends_on: [db]
    networks: [front]
    extra_hosts: ["h:1.1.1.1"]
    healthcheck: { test: [CMD, a], interval: 10s }
    ulimits: { nofile: 10, nproc: { soft: 1, hard: 2 } }
    logging: { driver: json-file, options: { max-size: 1m } }
    deploy: { replicas: 2, labels: [a=1], resources: { limits: { memory: 10m } } }
    sysctls: [net.core.somaxconn=1]
  db: { image: postgres }
networks: { front: { labels: [a=1] }, back: }
volumes: { data: }
`,
      'compose.override.yaml': `
services:
  web:
    image: nginx:2
    command: c d
    environment: { B: "3", C: "4" }
    labels: [y=5, z=6]
    ports: ["80:80", "8080:8080"]
    volumes: ["other:/data", "./b:/b:ro"]
    dns: [8.8.8.8]
    tmpfs: [/tmp]
    cap_add: [NET_ADMIN, SYS_TIME]
    expose: [80, 81]
    depends_on: { cache: { condition: service_started } }
    networks: { back: { aliases: [w] } }
    extra_hosts: ["i:2.2.2.2"]
    healthcheck: { test: x y, timeout: 3s }
    ulimits: { nofile: { soft: 5, hard: 6 }, nproc: 7 }
    logging: { options: { max-file: "2" } }
    deploy: { replicas: 3, labels: { b: "2" }, resources: { limits: { cpus: "1" } } }
    sysctls: { net.core.somaxconn: 2 }
  cache: { image: redis }
networks: { front: { labels: { b: "2" } } }
volumes: { other: }
`,
    },
  },
  {
    name: 'another logging driver replaces its options',
    files: {
      'a.yaml': 'services: { a: { image: x, logging: { driver: json-file, options: { max-size: 1m } } } }\n',
      'b.yaml': 'services: { a: { logging: { driver: syslog, options: { syslog-address: "tcp://1.2.3.4:5" } } } }\n',
    },
  },
  {
    name: 'three files',
    files: {
      'a.yaml': 'services: { a: { image: one, environment: { A: 1 }, ports: ["1:1"] } }\n',
      'b.yaml': 'services: { a: { environment: { A: 2, B: 2 }, ports: ["2:2"] }, b: { image: x } }\n',
      'c.yaml': 'services: { a: { image: three, environment: [C=3], ports: ["1:1"] } }\n',
    },
  },
  {
    name: 'reset and override',
    files: {
      'a.yaml': `
services:
  a:
    image: x
    ports: ["80:80", "81:81"]
    environment: { A: 1, B: 2 }
    command: [a]
    volumes: ["./a:/a"]
    labels: { l: m }
`,
      'b.yaml': `
services:
  a:
    ports: !override ["90:90"]
    environment: !reset {}
    command: !reset null
    volumes: !reset []
    labels: !override { n: o }
`,
    },
    notForOracle: '2.26 knows !override, but resets differently',
  },
  {
    name: 'reset of one variable',
    files: {
      'a.yaml': 'services: { a: { image: x, environment: { A: 1, B: 2 }, ports: ["80:80"] } }\n',
      'b.yaml': 'services: { a: { environment: { A: !reset null }, ports: !reset [] } }\n',
    },
  },
  {
    name: 'volumes by target, secrets and configs by target',
    files: {
      'a.yaml': `
services: { a: { image: x, volumes: ["one:/data:ro", "./x:/x"], configs: [{ source: c, target: /c }] } }
volumes: { one: , two: }
configs: { c: { content: one }, d: { content: two } }
`,
      'b.yaml':
        'services: { a: { volumes: [{ type: volume, source: two, target: /data }], configs: [{ source: d, target: /d }] } }\n',
    },
  },
  {
    name: 'ipam by subnet',
    files: {
      'a.yaml':
        'services: { a: { image: x, networks: [n] } }\nnetworks: { n: { ipam: { config: [{ subnet: 10.1.0.0/24 }] } } }\n',
      'b.yaml':
        'networks: { n: { ipam: { config: [{ subnet: 10.1.0.0/24, gateway: 10.1.0.1 }, { subnet: 10.2.0.0/24 }] } } }\n',
    },
  },
  one(
    'extends in one file',
    `
services:
  base: { image: x, environment: { A: 1, B: 1 }, labels: [l=1], command: [base], healthcheck: { test: t, interval: 5s } }
  middle: { extends: base, environment: [B=2, C=2], ports: ["80:80"] }
  top: { extends: { service: middle }, environment: { C: 3 }, command: [top], ports: !override ["81:81"] }
`,
  ),
  one(
    'extends another file',
    `
services:
  web: { extends: { file: common/base.yaml, service: app }, environment: { B: web } }
`,
    {
      beside: {
        'common/base.yaml':
          'services: { app: { image: x, env_file: app.env, environment: { A: base, B: base }, volumes: ["./here:/here"], extends: { file: ../root.yaml, service: root } } }\n',
        'common/app.env': 'FROM_FILE=1\n',
        'root.yaml': 'services: { root: { image: r, labels: { root: "yes" }, volumes: ["./rootdir:/r"] } }\n',
      },
    },
  ),
  one(
    'include',
    `
include: [infra/compose.yaml, { path: other.yaml }]
services:
  web: { image: x, depends_on: [db, cache] }
`,
    {
      beside: {
        'infra/compose.yaml':
          'services: { db: { image: "postgres:\${PG:-16}", volumes: ["./data:/data", "pg:/pg"], env_file: [db.env] } }\nvolumes: { pg: }\n',
        'infra/.env': 'PG=15\n',
        'infra/db.env': 'POSTGRES_PASSWORD=x\n',
        'other.yaml': 'services: { cache: { image: redis } }\n',
      },
    },
  ),
  one(
    'include with a folder, variables and an override',
    `
include:
  - path: [infra/compose.yaml, infra-override.yaml]
    project_directory: ./elsewhere
    env_file: infra.env
services: { web: { image: x } }
`,
    {
      beside: {
        'infra/compose.yaml': 'services: { db: { image: "postgres:$PG", volumes: ["./data:/data"] } }\n',
        'infra-override.yaml': 'services: { db: { environment: { A: 1 } } }\n',
        'infra.env': 'PG=14\n',
      },
      notForOracle: '2.26 resolves project_directory against the wrong folder',
    },
  ),
  one(
    'anchors and merge keys',
    `
x-env: &env { A: 1, B: 2 }
x-base: &base
  image: x
  restart: always
  environment: *env
x-logging: &logging { driver: json-file, options: { max-size: 1m } }
services:
  a: { <<: *base, logging: *logging }
  b:
    <<: *base
    environment: { <<: *env, B: 3 }
    image: y
  c:
    <<: [{ image: first }, { image: second, user: u }]
`,
  ),
  one(
    'variables',
    `
services:
  a:
    image: "app:\${TAG:-latest}"
    environment:
      SET: "\${SET}"
      PLAIN: $SET
      BOTH: "\${SET}-\${SET}"
      DEFAULT: "\${UNSET:-default}"
      DEFAULT_EMPTY: "\${EMPTY:-default}"
      DASH: "\${UNSET-default}"
      DASH_EMPTY: "\${EMPTY-default}"
      PLUS: "\${SET:+yes}"
      PLUS_EMPTY: "\${EMPTY:+yes}"
      PLUS_BARE: "\${EMPTY+yes}"
      PLUS_UNSET: "\${UNSET+yes}"
      NESTED: "\${UNSET:-\${ALSO_UNSET:-deep}}"
      NESTED_SET: "\${UNSET:-\${SET}}"
      REQUIRED: "\${SET:?must be set}"
      REQUIRED_EMPTY: "\${EMPTY?must be set}"
      DOLLAR: "$$SET $\${SET}"
      JSON: '\${UNSET:-{"a":{"b":1}}}'
      COLON: "\${UNSET:-a:b:c}"
      URL: "http://\${HOST_NAME:-localhost}:\${PORT:-80}/x?y=z"
      MISSING: "\${UNSET}"
    ports: ["\${PORT:-8080}:80"]
    deploy: { replicas: "\${REPLICAS:-3}" }
    privileged: "\${PRIV:-false}"
    cpus: "\${CPUS:-0.5}"
`,
    { environment: { SET: 'value', EMPTY: '' } },
  ),
  one(
    '.env',
    `
services:
  a:
    image: x
    environment: { A: "\${A}", B: "\${B}", C: "\${C}", D: "\${D}", E: "\${E}", F: "\${F}", G: "\${G}", H: "\${H}", I: "\${I}", J: "\${J}", OUT: "\${OUT}", K: "\${K}", L: "\${L}" }
`,
    {
      environment: { OUT: 'outer wins' },
      env: `# a comment
A=plain
export B=exported
C='single $A'
D="double $A"
E=with space # comment
F="quoted # not a comment"
G=\${A}-\${B}
H=
I="line\\nbreak"
J: colon
OUT=inner
K="several
lines"
L=\${UNSET:-fallback}
`,
    },
  ),
  one(
    'env_file',
    `
services:
  a:
    image: x
    env_file: [one.env, ./sub/two.env, { path: missing.env, required: false }]
    environment: { C: inline, E: }
  b: { image: x, env_file: one.env }
`,
    {
      environment: { E: 'outer', OUTER: 'o' },
      beside: {
        'one.env': 'A=1\nB=one\nC=one\nD="$OUTER-${A}"\n',
        'sub/two.env': "B=two\n# comment\nF='$A'\nINHERIT\n",
      },
    },
  ),
  one(
    'profiles, none',
    `
services:
  a: { image: x }
  b: { image: x, profiles: [debug] }
`,
  ),
  one(
    'profiles, one',
    `
services:
  a: { image: x }
  b: { image: x, profiles: [debug, dev], depends_on: [a] }
  c: { image: x, profiles: [prod] }
`,
    { profiles: ['debug'] },
  ),
  one(
    'the name',
    'name: my-${STAGE:-dev}\nservices: { a: { image: x, labels: { project: "${COMPOSE_PROJECT_NAME}" }, networks: [n], volumes: ["vol:/v"] } }\nnetworks: { n: }\nvolumes: { vol: }\n',
  ),
  {
    name: 'extends and override together',
    files: {
      'a.yaml': 'services: { base: { image: x, environment: { A: 1 } }, web: { extends: base, ports: ["80:80"] } }\n',
      'b.yaml': 'services: { web: { environment: { A: 2 }, ports: ["81:81"] } }\n',
    },
  },
  {
    name: 'relative paths of a second file start from the project folder',
    files: {
      'compose.yaml': 'services: { a: { image: x, volumes: ["./a:/a"] } }\n',
      'sub/override.yaml': 'services: { a: { volumes: ["./b:/b"] } }\n',
    },
  },
];
