/** Projects with something wrong, and what is said about it. */
import type { ComposeCase } from './case';

export interface WrongCase extends ComposeCase {
  /** The sentence's code. */
  code: string;
  /** A part of the message that must be there. */
  says: string;
  line: number;
  column: number;
  /** The file, when it is not compose.yaml. */
  file?: string;
  path?: string;
  hint?: string;
  /** Why Docker Compose lets it pass. */
  composeAccepts?: string;
}

type Told = [code: string, says: string, line: number, column: number];

function bad(name: string, text: string, [code, says, line, column]: Told, more: Partial<WrongCase> = {}): WrongCase {
  return { name, files: { 'compose.yaml': text }, code: `compose.${code}`, says, line, column, ...more };
}

const web = 'services:\n  web:\n    image: nginx\n';

export const wrong: WrongCase[] = [
  bad('a tab', 'services:\n\tweb:\n', ['yamlSyntax', 'Tabs are not allowed', 2, 1]),
  bad('an open bracket', `${web}    ports: ["80:80"\n`, ['yamlSyntax', 'Flow sequence', 5, 1]),
  bad('bad indentation', `${web}   ports: []\n`, ['yamlSyntax', 'same column', 4, 1]),
  bad(
    'a key twice',
    `${web}    image: other\n`,
    ['duplicateKey', '`image` stands here a second time; the first is on line 3', 4, 5],
    { path: 'services.web.image' },
  ),
  bad('an alias of nothing', 'services:\n  web: *nothing\n', ['aliasUnknown', '&nothing', 2, 8]),
  bad('an anchor in itself', 'services:\n  web: &a { image: x, labels: *a }\n', ['aliasCycle', '&a', 2, 31]),
  bad('a merge of text', 'services:\n  web: { <<: text, image: x }\n', ['mergeKind', '<<', 2, 14]),
  bad('a foreign tag', 'services:\n  web: { image: !!js/function "x" }\n', ['unknownTag', '!!js/function', 2, 31], {
    composeAccepts: 'it ignores tags',
  }),
  bad('a list at the top', '- a\n- b\n', ['notMap', 'must be a map', 1, 1]),
  bad('nothing', '# only a comment\n', ['empty', 'holds no Compose project', 0, 0]),
  bad('no services', 'volumes: { a: {} }\n', ['noServices', 'No service', 1, 1], {
    composeAccepts: 'config does not need one',
  }),
  bad('a misspelt key', `${web}    enviroment: {}\n`, ['unknownKeyDidYouMean', 'did you mean `environment`', 4, 5], {
    path: 'services.web.enviroment',
  }),
  bad('a key of another dialect', `${web}    env: {}\n`, ['unknownKeyDidYouMean', 'did you mean `environment`', 4, 5]),
  bad('replicas outside deploy', `${web}    replicas: 3\n`, [
    'unknownKeyDidYouMean',
    'did you mean `deploy.replicas`',
    4,
    5,
  ]),
  bad('autoscale outside x-pilothouse', `${web}    autoscale: {}\n`, [
    'unknownKeyDidYouMean',
    'x-pilothouse.autoscale',
    4,
    5,
  ]),
  bad('a key too deep', `${web}    deploy:\n      restart: always\n`, [
    'misplacedKey',
    'belongs directly to the service web',
    5,
    7,
  ]),
  bad('a service at the top', 'web:\n  image: nginx\n', ['unknownTop', '`web` is not known at the top', 1, 1]),
  bad('a misspelt section', 'servces:\n  web: { image: x }\n', [
    'unknownKeyDidYouMean',
    'did you mean `services`',
    1,
    1,
  ]),
  bad('an unknown key', `${web}    zzz: 1\n`, ['unknownKey', '`zzz`', 4, 5]),
  bad('ports as a map', `${web}    ports: { 80: 80 }\n`, ['wantList', '`ports` must be a list', 4, 12]),
  bad('a number for an image', 'services:\n  web:\n    image: 3\n', [
    'needsQuotes',
    '`image` must be text, but 3 is not',
    3,
    12,
  ]),
  bad('a map in a list', `${web}    environment:\n      - A: b\n`, ['mapInList', '`environment`', 5, 9]),
  bad('a duration without a unit', `${web}    stop_grace_period: 10\n`, ['durationUnit', '10 has no unit', 4, 24]),
  bad('a duration that is none', `${web}    stop_grace_period: soon\n`, [
    'badDuration',
    '`soon` is not a duration',
    4,
    24,
  ]),
  bad('a size that is none', `${web}    mem_limit: lots\n`, ['badSize', '`lots`', 4, 16]),
  bad('a port that is none', `${web}    ports: ["http:80"]\n`, ['badPort', '`http:80`', 4, 13]),
  bad('a port too high', `${web}    ports: ["80:70000"]\n`, ['badPort', '70000', 4, 13]),
  bad('ranges of two lengths', `${web}    ports: ["80-82:80-81"]\n`, ['portLengths', 'differ in length', 4, 13]),
  bad('a protocol that is none', `${web}    ports: ["80:80/icmp"]\n`, ['badProtocol', 'tcp, udp or sctp', 4, 13]),
  bad(
    'a port without a target',
    `${web}    ports: [{ published: "80" }]\n`,
    ['missingKey', '`target` is missing', 4, 13],
    { composeAccepts: '2.26 takes it for port 0' },
  ),
  bad('a condition that is none', `${web}    depends_on: { db: { condition: healthy } }\n  db: { image: x }\n`, [
    'badChoice',
    'service_healthy',
    4,
    36,
  ]),
  bad('no condition', `${web}    depends_on: { db: {} }\n  db: { image: x }\n`, [
    'missingKey',
    '`condition` is missing',
    4,
    23,
  ]),
  bad('an order that is none', `${web}    deploy: { update_config: { order: start_first } }\n`, [
    'badChoiceDidYouMean',
    'Did you mean `start-first`',
    4,
    39,
  ]),
  bad('a restart that is none', `${web}    restart: sometimes\n`, ['badChoice', 'unless-stopped', 4, 14], {
    composeAccepts: 'config leaves it to the engine',
  }),
  bad('a service without a value', 'services:\n  web:\n', ['noValue', '`web` has no value', 2, 3]),
  bad('no image', 'services:\n  web: { command: x }\n', ['imageMissing', 'The service web has no image', 2, 3]),
  bad('a name that is none', 'name: Not A Name\nservices: { web: { image: x } }\n', ['badName', '`Not A Name`', 1, 7], {
    composeAccepts: 'it makes a name of it',
  }),
  bad('a service name that is none', 'services:\n  "a b": { image: x }\n', ['badKey', '`a b` is not a name', 2, 3]),
  bad('a build outside the project', 'services:\n  web:\n    build: ../web\n', ['buildOutside', '../web', 3, 5], {
    composeAccepts: 'it reads any folder',
  }),
  bad(
    'a Dockerfile outside its context',
    'services:\n  web:\n    build: { context: web, dockerfile: ../Dockerfile }\n',
    ['buildOutside', '../Dockerfile', 3, 5],
    { composeAccepts: 'it reads any file' },
  ),
  bad(
    'a build of a repository',
    'services:\n  web:\n    build: https://github.com/me/c.git\n',
    ['buildRemote', 'c.git', 3, 5],
    {
      composeAccepts: 'it fetches it',
    },
  ),
  bad('a variable that is none', `${web}    command: echo \${1}\n`, [
    'variableInvalid',
    '`${1}` is not a variable',
    4,
    14,
  ]),
  bad('an open variable', `${web}    command: "\${A"\n`, ['variableInvalid', 'is not a variable', 4, 14]),
  bad(
    'a required variable',
    `${web}    user: "\${UID_WANTED:?set it to your user id}"\n`,
    ['variableRequiredBecause', 'UID_WANTED must be set: set it to your user id', 4, 11],
    { path: 'services.web.user' },
  ),
  bad('a required variable without words', `${web}    user: \${UID_WANTED?}\n`, [
    'variableRequired',
    'UID_WANTED must be set',
    4,
    11,
  ]),
  bad('a missing env_file', `${web}    env_file: gone.env\n`, ['fileMissing', 'gone.env cannot be read', 4, 15]),
  bad('a bad line in .env', web, ['envName', 'is not an assignment', 2, 0], { env: 'A=1\n=x\n', file: '.env' }),
  bad('an open quote in .env', web, ['envUnclosed', 'The quote around the value of A', 1, 0], {
    env: 'A="x\n',
    file: '.env',
  }),
  bad('a required variable in .env', web, ['variableRequiredBecause', 'X must be set: why', 1, 0], {
    env: 'A=${X:?why}\n',
    file: '.env',
  }),
  bad('extends of nothing', `${web}    extends: base\n`, ['extendsUnknown', 'no service base', 4, 14]),
  bad('extends in a circle', 'services:\n  a: { extends: b }\n  b: { extends: c }\n  c: { extends: a }\n', [
    'extendsCycle',
    'a → b → c → a',
    2,
    17,
  ]),
  bad('extends of a missing file', `${web}    extends: { file: gone.yaml, service: x }\n`, [
    'fileMissing',
    'gone.yaml',
    4,
    14,
  ]),
  bad(
    'an include in a circle',
    'include: [other.yaml]\nservices: { a: { image: x } }\n',
    ['includeCycle', 'compose.yaml → other.yaml → compose.yaml', 1, 11],
    {
      beside: { 'other.yaml': 'include: [compose.yaml]\nservices: { b: { image: x } }\n' },
      file: 'other.yaml',
    },
  ),
  bad('an include of nothing', 'include: [gone.yaml]\nservices: { a: { image: x } }\n', [
    'fileMissing',
    'gone.yaml',
    1,
    11,
  ]),
  bad(
    'an include that differs',
    'include: [other.yaml]\nservices:\n  a: { image: x }\n',
    ['includeConflict', 'services.a is also declared', 3, 3],
    {
      beside: { 'other.yaml': 'services: { a: { image: y } }\n' },
    },
  ),
  bad('a dependency on nothing', `${web}    depends_on: [db]\n`, [
    'dependsUnknown',
    'depends on db, which does not exist',
    4,
    18,
  ]),
  bad('a misspelt dependency', `${web}    depends_on: [databse]\n  database: { image: x }\n`, [
    'dependsUnknownDidYouMean',
    'did you mean `database`',
    4,
    18,
  ]),
  bad('a dependency in another profile', `${web}    depends_on: [db]\n  db: { image: x, profiles: [other] }\n`, [
    'dependsInactive',
    'whose profile is not active',
    4,
    18,
  ]),
  bad(
    'dependencies in a circle',
    'services:\n  a: { image: x, depends_on: [b] }\n  b: { image: x, depends_on: [c] }\n  c: { image: x, depends_on: [a] }\n',
    ['dependsCycle', 'a → b → c → a', 4, 31],
  ),
  bad('a dependency on itself', `${web}    depends_on: [web]\n`, ['dependsCycle', 'web → web', 4, 18]),
  bad('an undeclared network', `${web}    networks: [back]\n`, [
    'undeclared',
    'networks.back, which is not declared',
    4,
    16,
  ]),
  bad('a misspelt volume', `${web}    volumes: ["dta:/data"]\nvolumes: { data: }\n`, [
    'undeclaredDidYouMean',
    'did you mean `data`',
    4,
    15,
  ]),
  bad('an undeclared config', `${web}    configs: [c]\n`, ['undeclared', 'configs.c', 4, 15]),
  bad('an undeclared secret', `${web}    secrets: [{ source: s }]\n`, ['undeclared', 'secrets.s', 4, 15]),
  bad(
    'a host port twice',
    'services:\n  a: { image: x, ports: ["80:80"] }\n  b: { image: x, ports: ["80:81"] }\n',
    ['portTaken', 'b wants host port 80/tcp, which a already has', 3, 25],
    { composeAccepts: 'it fails at start' },
  ),
  bad(
    'a host port twice, one on an address',
    'services:\n  a: { image: x, ports: ["127.0.0.1:80:80"] }\n  b: { image: x, ports: ["80:81"] }\n',
    ['portTaken', '80/tcp', 3, 25],
    { composeAccepts: 'it fails at start' },
  ),
  bad(
    'a host port twice in a range',
    'services:\n  a: { image: x, ports: ["80-82:80-82"] }\n  b: { image: x, ports: ["82:81"] }\n',
    ['portTaken', '82/tcp', 3, 25],
    { composeAccepts: 'it fails at start' },
  ),
  bad('a host port twice in one service', `${web}    ports: ["80:80", "80:81"]\n`, ['portTwice', '80/tcp', 4, 12], {
    composeAccepts: 'it fails at start',
  }),
  bad('a container name and replicas', `${web}    container_name: me\n    scale: 2\n`, [
    'nameAndReplicas',
    'cannot have 2 replicas',
    4,
    21,
  ]),
  bad(
    "another service's network",
    `${web}    network_mode: "service:db"\n  db: { image: x }\n`,
    ['sharedNamespace', 'service:db', 4, 19],
    { composeAccepts: 'it can' },
  ),
  bad(
    "another container's network",
    `${web}    network_mode: container:other\n`,
    ['sharedNamespace', 'container:other', 4, 19],
    { composeAccepts: 'it can' },
  ),
  bad('a mode and networks', `${web}    network_mode: host\n    networks: [a]\nnetworks: { a: }\n`, [
    'networkModeAndNetworks',
    'exclude each other',
    4,
    19,
  ]),
  bad('a mode that is none', `${web}    network_mode: hots\n`, ['badNetworkMode', '`hots`', 4, 19], {
    composeAccepts: 'it fails at start',
  }),
  bad('two limits', `${web}    mem_limit: 1g\n    deploy: { resources: { limits: { memory: 2g } } }\n`, [
    'twice',
    '`mem_limit` and `deploy.resources.limits.memory`',
    4,
    16,
  ]),
  bad(
    'a health check that is none',
    `${web}    healthcheck: { test: [curl, x] }\n`,
    ['badHealthTest', 'not with `curl`', 4, 26],
    { composeAccepts: 'config lets it pass' },
  ),
  bad('an open quote in a command', `${web}    command: echo "a\n`, ['openQuote', 'not closed', 4, 14]),
  bad(
    'a config without content',
    `${web}    configs: [c]\nconfigs:\n  c: {}\n`,
    ['oneContent', 'exactly one of', 6, 6],
    { composeAccepts: 'config lets it pass' },
  ),
  bad(
    'a secret of a missing file',
    `${web}    secrets: [s]\nsecrets: { s: { file: ./gone } }\n`,
    ['fileMissing', './gone', 5, 23],
    { composeAccepts: 'config does not read it' },
  ),
  bad(
    'a secret of an unset variable',
    `${web}    secrets: [s]\nsecrets: { s: { environment: GONE } }\n`,
    ['variableForFile', 'GONE', 5, 30],
    { composeAccepts: 'config does not need it' },
  ),
  bad(
    'two things in one place',
    `${web}    volumes: ["a:/x"]\n    tmpfs: /x\nvolumes: { a: }\n`,
    ['doubleTarget', '/x', 5, 12],
    { composeAccepts: 'it fails at start' },
  ),
  bad('a relative target', `${web}    volumes: ["a:x"]\nvolumes: { a: }\n`, ['badVolume', '`a:x`', 4, 15], {
    composeAccepts: 'config lets it pass',
  }),
  bad('an extra host without an address', `${web}    extra_hosts: ["a"]\n`, ['badHost', 'a', 4, 19]),
  bad(
    'a global service with a count',
    `${web}    deploy: { mode: global, replicas: 2 }\n`,
    ['globalReplicas', 'once on every node', 4, 39],
    { composeAccepts: 'only Swarm minds' },
  ),
  bad('a mode of deploy that is none', `${web}    deploy: { mode: many }\n`, ['badChoice', 'replicated', 4, 21], {
    composeAccepts: 'only Swarm minds',
  }),
  bad(
    'a rollback that rolls back',
    `${web}    deploy: { rollback_config: { failure_action: rollback } }\n`,
    ['badChoice', 'continue, pause', 4, 50],
    { composeAccepts: 'only Swarm minds' },
  ),
  bad(
    'a probe of two kinds',
    `${web}    x-pilothouse: { probes: { liveness: { tcp: { port: 1 }, http: { port: 1 } } } }\n`,
    ['probeKind', 'exactly one', 4, 41],
    { composeAccepts: 'ours' },
  ),
  bad(
    'an unknown key of ours',
    `${web}    x-pilothouse: { probe: {} }\n`,
    ['unknownKeyDidYouMean', 'did you mean `probes`', 4, 21],
    { composeAccepts: 'ours' },
  ),
  bad(
    'an autoscaler without a maximum',
    `${web}    x-pilothouse: { autoscale: { min: 2 } }\n`,
    ['missingKey', '`max` is missing', 4, 32],
    { composeAccepts: 'ours' },
  ),
  bad(
    'a minimum above the maximum',
    `${web}    x-pilothouse: { autoscale: { min: 5, max: 2 } }\n`,
    ['minOverMax', '5', 4, 39],
    { composeAccepts: 'ours' },
  ),
  bad(
    'a rollout that cannot move',
    `${web}    x-pilothouse: { rollout: { surge: 0, unavailable: 0 } }\n`,
    ['rolloutStuck', 'cannot both be zero', 4, 39],
    { composeAccepts: 'ours' },
  ),
  bad('a key like the prototype', `${web}    environment:\n      __proto__: x\n`, ['forbiddenKey', '__proto__', 5, 7], {
    composeAccepts: 'Go has no prototypes',
  }),
  bad('a NUL', 'services:\n  web: { image: "a\\0b" }\n', ['zeroByte', 'NUL', 2, 17], {
    composeAccepts: 'config lets it pass',
  }),
];
