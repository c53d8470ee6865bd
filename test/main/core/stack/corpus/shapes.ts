/** Fragments that exercise one form of the specification each. */
import type { ComposeCase } from './case';
import { one } from './case';

export const shapes: ComposeCase[] = [
  one(
    'ports, short',
    `
services:
  web:
    image: nginx
    ports: [80, "8080:80", "127.0.0.1:8081:81", "9000-9002:9000-9002", "127.0.0.1:9100-9101:9100-9101/udp", "[::1]:8082:82", "3000-3002", "8090-8099:8080", "6060:6060/udp", "127.0.0.1::7000"]
`,
  ),
  one(
    'ports, long',
    `
services:
  web:
    image: nginx
    ports:
      - { target: 80, published: "8080", protocol: tcp, mode: host, name: web, app_protocol: http }
      - { target: 443, host_ip: 127.0.0.1, published: "8443-8450" }
      - { target: 53, protocol: udp }
      - target: "90"
        published: 90
`,
    { notForOracle: 'target as text is newer' },
  ),
  one(
    'ports, long, older',
    `
services:
  web:
    image: nginx
    ports:
      - { target: 80, published: "8080", protocol: tcp, mode: host, name: web, app_protocol: http }
      - { target: 443, host_ip: 127.0.0.1, published: "8443-8450" }
      - { target: 53, protocol: udp }
      - { target: 90, published: 90 }
`,
  ),
  one(
    'expose',
    `
services:
  web: { image: nginx, expose: [80, "81", "9000-9003", "53/udp"] }
`,
  ),
  one(
    'volumes, short',
    `
services:
  web:
    image: nginx
    volumes:
      - /var/cache
      - data:/data
      - data2:/data2:ro
      - ./conf:/etc/conf:ro
      - ../up:/up
      - /abs/path:/abs:rw
      - ./a/../b:/b:cached
      - data3:/d3:nocopy
      - /x:/y:rshared
volumes: { data: {}, data2: , data3: {} }
`,
  ),
  one(
    'volumes, long',
    `
services:
  web:
    image: nginx
    volumes:
      - { type: volume, source: data, target: /data, read_only: true, volume: { nocopy: true } }
      - { type: bind, source: ./conf, target: /conf, bind: { propagation: rslave, create_host_path: false } }
      - { type: tmpfs, target: /tmp, tmpfs: { size: 64m, mode: 01777 } }
      - { type: tmpfs, target: /run, tmpfs: { size: 1000000 } }
      - { type: volume, target: /anonymous }
volumes:
  data: { driver: local, driver_opts: { type: tmpfs, size: 5 }, labels: { a: b } }
`,
  ),
  one(
    'environment, map',
    `
services:
  a:
    image: busybox
    environment: { STRING: text, NUMBER: 3, FLOAT: 1.50, OCTAL: 0755, HEX: 0xFF, BIG: 12345678901234567890, YES: yes, "ON": on, BOOL: true, NOTHING: "", MISSING: , SET: , QUOTED: "0755", EXP: 1e3, UNDER: 1_000, NEG: -5, DOT: .5, MULTI: "a\\nb" }
`,
    { environment: { SET: 'from outside' } },
  ),
  one(
    'environment, list',
    `
services:
  a:
    image: busybox
    environment:
      - STRING=text with spaces
      - EMPTY=
      - MISSING
      - SET
      - EQUALS=a=b=c
      - "QUOTED=\\"x\\""
`,
    { environment: { SET: 'from outside' } },
  ),
  one(
    'commands',
    `
services:
  list: { image: busybox, command: [sh, -c, "echo $$HOME"], entrypoint: [/init, --] }
  text: { image: busybox, command: sh -c 'echo "a b"; sleep 1' , entrypoint: /bin/sh -x }
  empty: { image: busybox, command: [], entrypoint: [] }
  escape: { image: busybox, command: 'a\\ b "c \\" d" ''e f''' }
  folded:
    image: busybox
    command: >
      redis-server --appendonly yes
      --maxmemory 64mb
`,
  ),
  one(
    'healthchecks',
    `
services:
  a: { image: busybox, healthcheck: { test: curl -f http://localhost || exit 1, interval: 1m30s, timeout: 10s, retries: 3, start_period: 40s } }
  b: { image: busybox, healthcheck: { test: [CMD, "true"], interval: 500ms } }
  c: { image: busybox, healthcheck: { test: [CMD-SHELL, "true && true"], start_interval: 1s, start_period: 0s } }
  d: { image: busybox, healthcheck: { disable: true } }
  e: { image: busybox, healthcheck: { test: [NONE] } }
`,
  ),
  one(
    'depends_on, list',
    `
services:
  web: { image: nginx, depends_on: [db, cache] }
  db: { image: postgres }
  cache: { image: redis }
`,
  ),
  one(
    'depends_on, map',
    `
services:
  web:
    image: nginx
    depends_on:
      db: { condition: service_healthy, restart: true }
      migrate: { condition: service_completed_successfully }
      cache: { condition: service_started, required: false }
      debug: { condition: service_started, required: false }
  db: { image: postgres, healthcheck: { test: pg_isready } }
  migrate: { image: app, restart: "no" }
  cache: { image: redis }
  debug: { image: debug, profiles: [debug] }
`,
  ),
  one(
    'deploy',
    `
services:
  web:
    image: nginx
    deploy:
      mode: replicated
      replicas: 6
      endpoint_mode: dnsrr
      labels: { com.example: x }
      placement: { constraints: [node.role == manager, "node.labels.ssd==true"], preferences: [{ spread: node.labels.zone }], max_replicas_per_node: 2 }
      resources: { limits: { cpus: "0.50", memory: 50M, pids: 100 }, reservations: { cpus: "0.25", memory: 20M } }
      restart_policy: { condition: on-failure, delay: 5s, max_attempts: 3, window: 120s }
      update_config: { parallelism: 2, delay: 10s, failure_action: rollback, monitor: 30s, max_failure_ratio: 0.3, order: start-first }
      rollback_config: { parallelism: 0, delay: 0s, failure_action: pause, monitor: 7s, order: stop-first }
`,
  ),
  one(
    'deploy, global',
    `
services:
  agent: { image: agent, deploy: { mode: global, restart_policy: { condition: any } } }
`,
  ),
  one(
    'limits of old',
    `
services:
  a: { image: x, mem_limit: 512m, mem_reservation: 128M, cpus: 1.5, pids_limit: 200, cpu_shares: 512, cpuset: "0,1", memswap_limit: 1g, mem_swappiness: 10, shm_size: 64mb, oom_score_adj: -500, oom_kill_disable: true }
  b: { image: x, mem_limit: 1073741824, cpu_quota: 50000, cpu_period: 100000, memswap_limit: -1 }
`,
  ),
  one(
    'networks',
    `
services:
  a:
    image: x
    networks:
      front: { aliases: [web, www], ipv4_address: 172.16.238.10, priority: 10 }
      back: 
  b: { image: x, networks: [back] }
  c: { image: x }
networks:
  front: { driver: bridge, driver_opts: { com.docker.network.bridge.name: br9, mtu: 1400 }, ipam: { driver: default, config: [{ subnet: 172.16.238.0/24, gateway: 172.16.238.1, ip_range: 172.16.238.128/25 }] }, enable_ipv6: true }
  back: { internal: true, attachable: true, labels: [a=b, c], name: my-back }
  unused: {}
`,
  ),
  one(
    'external things',
    `
services:
  a: { image: x, networks: [net, old], volumes: ["vol:/v", "named:/n"] }
networks:
  net: { external: true }
  old: { external: true, name: very-old }
volumes:
  vol: { external: true }
  named: { external: true, name: "other-\${SUFFIX:-x}" }
`,
  ),
  one(
    'default network, changed',
    `
services:
  a: { image: x }
networks:
  default: { name: shared, driver: bridge, internal: false }
`,
  ),
  one(
    'network modes',
    `
services:
  a: { image: x, network_mode: host }
  b: { image: x, network_mode: none }
  c: { image: x, network_mode: bridge, ports: ["80:80"] }
`,
  ),
  one(
    'configs and secrets',
    `
services:
  a:
    image: x
    configs: [inline, { source: file, target: /etc/file.conf, uid: "103", gid: "104", mode: 0440 }, env]
    secrets: [token, { source: key, target: my-key, mode: 256 }, { source: cert, target: /etc/cert.pem }]
configs:
  inline: { content: "a = \${A:-1}\\nb = $$2\\n" }
  file: { file: ./conf/file.conf }
  env: { environment: CONFIG }
secrets:
  token: { environment: TOKEN }
  key: { file: ./key.txt }
  cert: { external: true, name: real-cert }
`,
    {
      environment: { CONFIG: 'from the environment', TOKEN: 's3cret' },
      beside: { 'conf/file.conf': 'hello\n', 'key.txt': 'k\n' },
      notForOracle: 'Compose 2.26 prints configs of the environment without their content',
    },
  ),
  one(
    'configs',
    `
services:
  a:
    image: x
    configs: [inline, { source: file, target: /etc/file.conf, uid: "103", gid: "104", mode: 0440 }]
    secrets: [{ source: key, target: my-key, mode: 256 }]
configs:
  inline: { content: "a = \${A:-1}\\nb = $$2\\n" }
  file: { file: ./conf/file.conf }
secrets:
  key: { file: ./key.txt }
`,
    { beside: { 'conf/file.conf': 'hello\n', 'key.txt': 'k\n' } },
  ),
  one(
    'labels',
    `
services:
  a: { image: x, labels: { one: 1, two: "2", three: true, four: , "traefik.http.routers.a.rule": "Host(\`a.example.com\`)" } }
  b: { image: x, labels: [one=1, two, "three=a=b"] }
`,
  ),
  one(
    'hosts and dns',
    `
services:
  a: { image: x, extra_hosts: ["somehost:162.242.195.82", "other=50.31.209.229", "v6=[::1]", "gw:host-gateway"], dns: 8.8.8.8, dns_search: [a.example, b.example], dns_opt: [use-vc, no-tld-query], hostname: h, domainname: d.example }
  b: { image: x, extra_hosts: { somehost: 162.242.195.82 }, dns: [1.1.1.1, 9.9.9.9] }
`,
  ),
  one(
    'ulimits and sysctls',
    `
services:
  a: { image: x, ulimits: { nproc: 65535, nofile: { soft: 20000, hard: 40000 } }, sysctls: { net.core.somaxconn: 1024, net.ipv4.tcp_syncookies: 0 } }
  b: { image: x, sysctls: [net.core.somaxconn=1024] }
`,
  ),
  one(
    'security',
    `
services:
  a: { image: x, privileged: true, cap_add: [NET_ADMIN, ALL], cap_drop: [MKNOD], security_opt: [no-new-privileges:true, "seccomp=unconfined"], read_only: true, user: "1000:1000", group_add: [mail, 1001], userns_mode: host, init: true }
`,
  ),
  one(
    'devices and kernel',
    `
services:
  a: { image: x, devices: ["/dev/ttyUSB0:/dev/ttyUSB0", "/dev/sda:/dev/xvda:rwm", /dev/snd:/dev/snd], device_cgroup_rules: ["c 1:3 mr"], ipc: host, pid: host, uts: host, runtime: runc, platform: linux/amd64, cgroup_parent: m-executor, cgroup: private, mac_address: "02:42:ac:11:65:43", storage_opt: { size: 1G }, isolation: default }
`,
    { notForOracle: 'isolation and cgroup differ by version' },
  ),
  one(
    'logging',
    `
services:
  a: { image: x, logging: { driver: json-file, options: { max-size: 10m, max-file: 3, compress: "true" } } }
  b: { image: x, logging: { driver: none } }
`,
  ),
  one(
    'stop',
    `
services:
  a: { image: x, stop_grace_period: 1m30s, stop_signal: SIGUSR1, restart: on-failure:5, tty: true, stdin_open: true, working_dir: /app }
  b: { image: x, stop_grace_period: 500ms, restart: unless-stopped }
  c: { image: x, restart: always }
  d: { image: x, restart: "no" }
`,
  ),
  one(
    'tmpfs',
    `
services:
  a: { image: x, tmpfs: /run }
  b: { image: x, tmpfs: [/run, "/tmp:size=64m,mode=1777"] }
`,
  ),
  one('scale', 'services: { a: { image: x, scale: 3 }, b: { image: x, deploy: { replicas: 0 } } }\n'),
  one(
    'pull policies',
    `
services:
  a: { image: x, pull_policy: always }
  b: { image: x, pull_policy: never }
  c: { image: x, pull_policy: if_not_present }
  d: { image: x, pull_policy: missing }
`,
  ),
  one(
    'only a build',
    `
services:
  a: { build: . }
  b:
    build:
      context: ./b
      dockerfile: ./docker/../Dockerfile.dev
      args: [VERSION=1, SET]
      labels: { made: here }
      cache_from: [me/b:cache]
      extra_hosts: ["mirror:10.0.0.9"]
      tags: [me/b:extra]
      network: none
      shm_size: 64mb
      no_cache: true
      pull: true
      target: dev
  c: { build: { context: c, dockerfile_inline: "FROM busybox\\nRUN true\\n" }, platform: linux/amd64 }
  d: { build: d, pull_policy: build }
  e: { build: e, image: me/e:2, pull_policy: never }
`,
    { environment: { SET: 'yes' } },
  ),
  one(
    'build beside an image',
    `
services:
  a: { image: me/app, build: . }
  b: { image: me/b, build: { context: ./b, dockerfile: Dockerfile.dev, target: dev, args: { VERSION: 1, EMPTY: , SET: } } }
  c: { image: me/c, build: "https://github.com/me/c.git#main" }
`,
    { environment: { SET: 'yes' } },
  ),
  one(
    'gpus',
    `
services:
  a:
    image: cuda
    deploy: { resources: { reservations: { devices: [{ driver: nvidia, count: 1, capabilities: [gpu] }] } } }
  b:
    image: cuda
    deploy: { resources: { reservations: { devices: [{ device_ids: ["0", "3"], capabilities: [gpu, utility] }] } } }
`,
  ),
  one(
    'gpus, new',
    'services: { a: { image: cuda, gpus: all }, b: { image: cuda, gpus: [{ driver: nvidia, count: 2 }] } }\n',
    {
      notForOracle: 'newer than 2.26',
    },
  ),
  one(
    'links and volumes_from',
    `
services:
  web: { image: x, links: [db, "db:database"], volumes_from: ["db:ro"] }
  db: { image: y, volumes: ["data:/data", "./x:/x"] }
volumes: { data: }
`,
    { notForOracle: 'Compose keeps links and volumes_from as they are' },
  ),
  one(
    'blkio',
    `
services:
  a: { image: x, blkio_config: { weight: 300, weight_device: [{ path: /dev/sda, weight: 400 }], device_read_bps: [{ path: /dev/sdb, rate: "12mb" }], device_write_iops: [{ path: /dev/sdb, rate: 30 }] } }
`,
  ),
  one(
    'blocks of text',
    `
services:
  a:
    image: x
    environment:
      SCRIPT: |
        line one
          line two $$HOME

        line four
      KEEP: |+
        kept

      STRIP: |-
        stripped
      FOLD: >-
        one
        two

        three
`,
  ),
  one(
    'own keys',
    `
x-top: { anything: [1, 2] }
services:
  a: { image: x, x-note: hello, deploy: { x-more: 1, replicas: 2 } }
`,
  ),
  one(
    'names with dots',
    `
services:
  my.app_1-x: { image: x, volumes: ["my.vol-1:/v"] }
volumes: { my.vol-1: {} }
`,
  ),
  one(
    'several documents',
    `
services: { a: { image: one, environment: { A: 1, B: 2 } } }
---
services: { a: { image: two, environment: { B: 3 } } }
`,
  ),
  one(
    'the x-pilothouse section',
    `
x-pilothouse:
  defaults: { rollout: { surge: 1, unavailable: 0, progress_deadline: 2m } }
services:
  web:
    image: nginx
    x-pilothouse:
      probes:
        readiness: { http: { port: 80, path: /healthz, headers: { Host: x } }, period: 2s, failure_threshold: 2 }
        liveness: { tcp: { port: 80 } }
        startup: { exec: { command: test -f /ready }, failure_threshold: 30, period: 1s }
      rollout: { strategy: canary, steps: [{ weight: 10, pause: 30s }, { weight: 50 }], analysis: { max_error_ratio: 0.01, max_p95: 300ms, min_requests: 100 } }
      autoscale: { min: 2, max: 10, metrics: [{ metric: cpu, target: 70% }, { metric: memory, type: AverageValue, target: 200m }, { metric: latency, target: 250ms }, { metric: requests, target: 50 }], behavior: { scale_down: { stabilization: 5m, policies: [{ type: Percent, value: 10, period: 1m }] }, scale_up: { select_policy: Max } }, idle_after: 10m }
      schedules: [{ cron: "0 8 * * 1-5", min: 4, timezone: Europe/Berlin }, { cron: "0 20 * * *", min: 1 }]
      traffic: { algorithm: leastconn, route: { port: 80, path_prefix: /app }, sticky: true, slow_start: 10s, drain: 20s, check: { path: /healthz, interval: 1s } }
      priority: 10
      warm_spares: 2
      tolerations: [{ key: gpu }, { key: dedicated, value: web, effect: NoSchedule }]
      affinity: [{ against: [web], weight: 5 }]
  db: { image: postgres, x-pilothouse: { stateful: true } }
`,
  ),
];
