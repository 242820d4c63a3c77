#!/usr/bin/env node
/** The command `tract`. */
import { failureOf } from './errors.js';
import { watchOutput } from './interruption.js';
import { createProgram } from './program.js';
import { note } from './terminal.js';

watchOutput();
try {
  await createProgram((code) => {
    process.exitCode = code;
  }).parseAsync();
} catch (error) {
  const { message, exitCode } = failureOf(error);
  note(...message);
  process.exitCode = exitCode;
}
