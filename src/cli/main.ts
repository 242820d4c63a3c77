#!/usr/bin/env node
/** The command `tract`. */
import { failureOf } from './errors.js';
import { watchOutput } from './interruption.js';
import { createProgram } from './program.js';

watchOutput();
try {
  await createProgram((code) => {
    process.exitCode = code;
  }).parseAsync();
} catch (error) {
  const { message, exitCode } = failureOf(error);
  if (message !== '') process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}
