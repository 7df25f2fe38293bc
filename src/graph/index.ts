export * from './composites.ts';
export { grad } from './grad.ts';
export * from './operations.ts';
export { type Program, program } from './program.ts';
export * from './tensor.ts';
