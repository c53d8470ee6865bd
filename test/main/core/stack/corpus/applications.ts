/** Files as people have them. */
import type { ComposeCase } from './case';
import { one } from './case';

export const applications: ComposeCase[] = [
  one(
    'wordpress',
    `
version: "3.9"
services:
  db:
    image: mysql:8.0
    volumes: [db_data:/var/lib/mysql]
    restart: always
    environment: { MYSQL_ROOT_PASSWORD: somewordpress, MYSQL_DATABASE: wordpress, MYSQL_USER: wordpress, MYSQL_PASSWORD: wordpress }
  wordpress:
    depends_on: [db]
    image: wordpress:latest
    volumes: [wordpress_data:/var/www/html]
    ports: ["8000:80"]
    restart: always
    environment: { WORDPRESS_DB_HOST: "db:3306", WORDPRESS_DB_USER: wordpress, WORDPRESS_DB_PASSWORD: wordpress, WORDPRESS_DB_NAME: wordpress }
volumes: { db_data: {}, wordpress_data: {} }
`,
  ),
  one(
    'django and postgres',
    `
services:
  db:
    image: postgres:16-alpine
    volumes: ["postgres_data:/var/lib/postgresql/data/"]
    env_file: [./.env.db]
    healthcheck: { test: ["CMD-SHELL", "pg_isready -U $$POSTGRES_USER"], interval: 10s, timeout: 5s, retries: 5 }
  web:
    image: me/web
    build: ./app
    command: gunicorn hello.wsgi:application --bind 0.0.0.0:8000
    volumes: ["static_volume:/home/app/web/staticfiles"]
    expose: [8000]
    depends_on: { db: { condition: service_healthy } }
  nginx:
    image: nginx:1.27
    volumes: ["static_volume:/home/app/web/staticfiles", "./nginx.conf:/etc/nginx/conf.d/default.conf:ro"]
    ports: ["1337:80"]
    depends_on: [web]
volumes: { postgres_data: , static_volume: }
`,
    { beside: { '.env.db': 'POSTGRES_USER=hello\nPOSTGRES_PASSWORD="a#b$$c"\nPOSTGRES_DB=hello_db\n' } },
  ),
  one(
    'prometheus and grafana',
    `
networks: { monitoring: { driver: bridge } }
volumes: { prometheus_data: {}, grafana_data: {} }
services:
  prometheus:
    image: prom/prometheus:v2.53.0
    container_name: prometheus
    restart: unless-stopped
    volumes: ["./prometheus.yml:/etc/prometheus/prometheus.yml", "prometheus_data:/prometheus"]
    command: ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus", "--web.enable-lifecycle"]
    expose: [9090]
    networks: [monitoring]
  node-exporter:
    image: prom/node-exporter:latest
    pid: host
    volumes: ["/proc:/host/proc:ro", "/sys:/host/sys:ro", "/:/rootfs:ro"]
    command: ["--path.procfs=/host/proc", "--collector.filesystem.mount-points-exclude=^/(sys|proc|dev|host|etc)($$|/)"]
    networks: [monitoring]
  grafana:
    image: grafana/grafana-oss:11.1.0
    ports: ["\${GRAFANA_PORT:-3000}:3000"]
    environment: ["GF_SECURITY_ADMIN_USER=\${ADMIN_USER:-admin}", "GF_SECURITY_ADMIN_PASSWORD=\${ADMIN_PASSWORD:-admin}"]
    volumes: ["grafana_data:/var/lib/grafana"]
    networks: [monitoring]
    user: "472"
`,
  ),
  one(
    'elastic',
    `
services:
  elasticsearch:
    image: "elasticsearch:\${ELASTIC_VERSION}"
    volumes: [{ type: volume, source: elasticsearch, target: /usr/share/elasticsearch/data }]
    environment: { ES_JAVA_OPTS: "-Xms512m -Xmx512m", discovery.type: single-node, xpack.security.enabled: "true" }
    ulimits: { memlock: { soft: -1, hard: -1 }, nofile: { soft: 65536, hard: 65536 } }
    ports: ["9200:9200", "9300:9300"]
    cap_add: [IPC_LOCK]
    networks: [elk]
  kibana:
    image: "kibana:\${ELASTIC_VERSION}"
    ports: ["5601:5601"]
    depends_on: [elasticsearch]
    networks: [elk]
networks: { elk: { driver: bridge } }
volumes: { elasticsearch: }
`,
    { env: 'ELASTIC_VERSION=8.14.1\n' },
  ),
  one(
    'kafka',
    `
x-kafka-common: &kafka-common
  image: bitnami/kafka:3.7
  environment: &kafka-env
    KAFKA_CFG_CONTROLLER_QUORUM_VOTERS: "0@kafka-0:9093,1@kafka-1:9093,2@kafka-2:9093"
    KAFKA_KRAFT_CLUSTER_ID: abcdefghijklmnopqrstuv
    ALLOW_PLAINTEXT_LISTENER: "yes"
services:
  kafka-0: { <<: *kafka-common, environment: { <<: *kafka-env, KAFKA_CFG_NODE_ID: 0 }, volumes: ["kafka_0:/bitnami/kafka"] }
  kafka-1: { <<: *kafka-common, environment: { <<: *kafka-env, KAFKA_CFG_NODE_ID: 1 }, volumes: ["kafka_1:/bitnami/kafka"] }
  kafka-2: { <<: *kafka-common, environment: { <<: *kafka-env, KAFKA_CFG_NODE_ID: 2 }, volumes: ["kafka_2:/bitnami/kafka"] }
volumes: { kafka_0: { driver: local }, kafka_1: { driver: local }, kafka_2: { driver: local } }
`,
  ),
  one(
    'airflow',
    `
x-airflow-common: &airflow-common
  image: "\${AIRFLOW_IMAGE_NAME:-apache/airflow:2.9.2}"
  environment: &airflow-common-env
    AIRFLOW__CORE__EXECUTOR: CeleryExecutor
    AIRFLOW__CORE__FERNET_KEY: ''
    _PIP_ADDITIONAL_REQUIREMENTS: "\${_PIP_ADDITIONAL_REQUIREMENTS:-}"
  volumes: ["\${AIRFLOW_PROJ_DIR:-.}/dags:/opt/airflow/dags", "\${AIRFLOW_PROJ_DIR:-.}/logs:/opt/airflow/logs"]
  user: "\${AIRFLOW_UID:-50000}:0"
  depends_on: &airflow-common-depends-on
    redis: { condition: service_healthy }
    postgres: { condition: service_healthy }
services:
  postgres: { image: postgres:13, environment: { POSTGRES_USER: airflow }, healthcheck: { test: ["CMD", "pg_isready", "-U", "airflow"], interval: 10s, retries: 5, start_period: 5s }, restart: always }
  redis: { image: redis:7.2-bookworm, expose: [6379], healthcheck: { test: ["CMD", "redis-cli", "ping"], interval: 10s, timeout: 30s, retries: 50 } }
  webserver:
    <<: *airflow-common
    command: webserver
    ports: ["8080:8080"]
    depends_on: { <<: *airflow-common-depends-on, init: { condition: service_completed_successfully } }
  init:
    <<: *airflow-common
    entrypoint: /bin/bash
    command:
      - -c
      - |
        if [[ -z "\${AIRFLOW_UID}" ]]; then
          echo "not set"
        fi
        exec /entrypoint airflow version
    environment: { <<: *airflow-common-env, _AIRFLOW_DB_MIGRATE: 'true' }
    user: "0:0"
  flower: { <<: *airflow-common, command: celery flower, profiles: [flower], ports: ["5555:5555"] }
`,
  ),
  one(
    'traefik',
    `
services:
  traefik:
    image: "traefik:v3.0"
    command: ["--api.insecure=true", "--providers.docker=true", "--entryPoints.web.address=:80"]
    ports: ["80:80", "8080:8080"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
  whoami:
    image: "traefik/whoami"
    labels: ["traefik.enable=true", "traefik.http.routers.whoami.rule=Host(\`whoami.localhost\`)", "traefik.http.routers.whoami.entrypoints=web"]
`,
  ),
  one(
    'voting app',
    `
services:
  vote: { image: dockersamples/examplevotingapp_vote, depends_on: { redis: { condition: service_healthy } }, healthcheck: { test: ["CMD", "curl", "-f", "http://localhost"], interval: 15s, timeout: 5s, retries: 3, start_period: 10s }, ports: ["8080:80"], networks: [front-tier, back-tier] }
  result: { image: dockersamples/examplevotingapp_result, entrypoint: nodemon --inspect=0.0.0.0 server.js, depends_on: { db: { condition: service_healthy } }, ports: ["8081:80", "127.0.0.1:9229:9229"], networks: [front-tier, back-tier] }
  worker: { image: dockersamples/examplevotingapp_worker, depends_on: { redis: { condition: service_healthy }, db: { condition: service_healthy } }, networks: [back-tier] }
  redis: { image: redis:alpine, volumes: ["./healthchecks:/healthchecks"], healthcheck: { test: /healthchecks/redis.sh, interval: "5s" }, networks: [back-tier] }
  db: { image: postgres:15-alpine, environment: { POSTGRES_USER: postgres }, volumes: ["db-data:/var/lib/postgresql/data"], healthcheck: { test: /healthchecks/postgres.sh, interval: "5s" }, networks: [back-tier] }
  seed: { image: seed, profiles: [seed], depends_on: { vote: { condition: service_healthy } }, networks: [front-tier], restart: "no" }
volumes: { db-data: }
networks: { front-tier: , back-tier: }
`,
  ),
  one(
    'swarm stack',
    `
version: "3.8"
services:
  api:
    image: registry.example.com:5000/team/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    deploy: { replicas: 3, update_config: { parallelism: 1, order: start-first, failure_action: rollback, delay: 5s }, restart_policy: { condition: any, delay: 5s }, resources: { limits: { cpus: '0.5', memory: 256M } } }
    networks: [public]
    ports: [{ target: 8080, published: 80, protocol: tcp, mode: ingress }]
networks: { public: { driver: overlay, attachable: true, driver_opts: { encrypted: "true" } } }
`,
  ),
  one(
    'media server',
    `
services:
  plex:
    image: lscr.io/linuxserver/plex:latest
    container_name: plex
    network_mode: host
    environment: [PUID=1000, PGID=1000, TZ=Etc/UTC, VERSION=docker, PLEX_CLAIM=]
    volumes: ["\${HOME}/plex:/config", "/mnt/tv:/tv", "/mnt/movies:/movies"]
    devices: ["/dev/dri:/dev/dri"]
    restart: unless-stopped
`,
    { environment: { HOME: '/home/me' } },
  ),
  one(
    'mail relay',
    `
services:
  smtp:
    image: boky/postfix
    hostname: mail
    domainname: example.com
    ports: ["25:587"]
    environment: { ALLOWED_SENDER_DOMAINS: example.com, RELAYHOST: "[smtp.relay.example]:587" }
    logging: { driver: syslog, options: { syslog-address: "udp://10.0.0.1:514", tag: "{{.Name}}" } }
    stop_grace_period: 2m
`,
  ),
  one(
    'telephony',
    `
services:
  asterisk: { image: asterisk, ports: ["5060:5060/udp", "10000-10100:10000-10100/udp"], cap_add: [SYS_NICE, NET_RAW] }
`,
  ),
  one(
    'minio cluster',
    `
x-minio-common: &minio-common
  image: quay.io/minio/minio:latest
  command: server --console-address ":9001" http://minio{1...2}/data{1...2}
  expose: ["9000", "9001"]
  healthcheck: { test: ["CMD", "mc", "ready", "local"], interval: 5s, timeout: 5s, retries: 5 }
services:
  minio1: { <<: *minio-common, hostname: minio1, volumes: ["data1-1:/data1", "data1-2:/data2"] }
  minio2: { <<: *minio-common, hostname: minio2, volumes: ["data2-1:/data1", "data2-2:/data2"] }
volumes: { data1-1: , data1-2: , data2-1: , data2-2: }
`,
  ),
  one(
    'comments and spacing',
    `
# The shop.
---
services:   # all of them

  shop:        # the web part
    image:    "shop"
    environment:

      # nothing here yet
      - KEY=value   # trailing
`,
  ),
  one(
    'json is yaml',
    '{"services": {"a": {"image": "x", "ports": ["80:80"], "environment": {"A": null, "B": 1.0}}}}\n',
  ),
  one('windows line ends', 'services:\r\n  a:\r\n    image: x\r\n    command: |\r\n      one\r\n      two\r\n'),
  one('byte order mark', '\uFEFFservices:\n  a: { image: x }\n'),
];
