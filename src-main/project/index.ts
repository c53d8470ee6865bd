export { composeNames, readProject, type ProjectRequest, type ReadProject } from './read';
export { projectReader } from './reader';
