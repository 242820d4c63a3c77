/** Flags as the user wrote them. */
import type { Command } from 'commander';

/** The long form of a flag, such as `--no-augment`, by the name of its value. */
export function longFlag(command: Command, key: string): string {
  return command.options.find((option) => option.attributeName() === key)?.long ?? `--${key}`;
}

/** The names of the values that stand on the command line. */
export function givenFlags(command: Command): string[] {
  return command.options
    .map((option) => option.attributeName())
    .filter((key) => command.getOptionValueSource(key) === 'cli');
}
