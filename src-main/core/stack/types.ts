/** What goes into this room and what comes out of it. */
import type { Problem } from '../../contract/errors';
import type { StackSpec } from '../../contract/spec';

/**
 * Reads a file that a Compose file refers to: `env_file`, `extends.file`, `include`, `configs.file`, `secrets.file`. The path is
 * normalised and relative to the project directory where it lies inside it, else absolute (or it begins with `../`). The caller
 * decides what may be read and answers undefined for the rest.
 */
export type ReadFile = (path: string) => string | undefined;

/** How a project is parsed. */
export interface ParseOptions {
  /** Overrides `COMPOSE_PROJECT_NAME` and the file's own `name`. */
  name?: string;
  /** Without it only files of the source itself are found. */
  readFile?: ReadFile;
}

/** A parsed project. `spec` is present exactly when `problems` is empty. */
export interface ParsedProject {
  /** The project's name, as far as it could be found out. */
  name?: string;
  spec?: StackSpec;
  /** The whole project as one Compose file, everything resolved; empty when there is no spec. Never holds a secret's content. */
  resolvedYaml: string;
  /** What is wrong, in the order of the files; every one with its place. At most 100. */
  problems: Problem[];
  /** What is not wrong but should be known: what no engine can honour, unset variables, risky settings. */
  warnings: Problem[];
}

/** Everything of a stack but its services: what a container's hash and rendering need besides the service itself. */
export type StackParts = Omit<StackSpec, 'services'>;

/** The settings that hand the machine to a container. */
export type PolicyRule =
  | 'privileged'
  | 'engine-socket'
  | 'host-root'
  | 'host-bind'
  | 'host-namespace'
  | 'host-network'
  | 'capability'
  | 'unconfined'
  | 'device'
  | 'volume-bind';

/** One risky wish of a service. */
export interface PolicyFinding extends Problem {
  code: 'forbidden';
  rule: PolicyRule;
  /** The service, or undefined when a volume of the stack itself asks for it. */
  service?: string;
}
