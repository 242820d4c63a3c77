/** Which process this is, in terms that another one can check later: a process id alone is given out again. */
import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** The name of its machine. */
  readonly host: string;
  /** When it started, in milliseconds since 1970. */
  readonly started: number;
  /** Linux: the boot of its machine and its namespace of process ids. Two processes of one place see each other. */
  readonly place?: string;
  /** Linux: when it started, in the kernel's ticks since the boot. Exact, whatever happens to the clock. */
  readonly ticks?: number;
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  const [place, ticks] = [linuxPlace(), linuxProcess(process.pid)?.ticks];
  return {
    pid: process.pid,
    host: machineName(),
    started: Math.round(performance.timeOrigin),
    ...(place !== undefined && { place }),
    ...(ticks !== undefined && { ticks }),
  };
}

/** Of letters, digits, `_`, `.` and `-`: it is printed, and may come from a file. */
export function isMachineName(text: string): boolean {
  return /^[\w.-]{1,255}$/.test(text);
}

function machineName(): string {
  return (
    hostname()
      .replace(/[^\w.-]/g, '_')
      .slice(0, 255) || 'localhost'
  );
}

/** Clocks of different sources may be so many milliseconds apart about the start of one process. */
const TOLERANCE = 10_000;

/**
 * Whether a process is still there. `unknown` for one of another machine or container, and where the system does not
 * tell.
 */
export async function stateOf(process: ProcessIdentity): Promise<'running' | 'ended' | 'unknown'> {
  const { pid, host, started, place, ticks } = process;
  if (host !== machineName() || place !== linuxPlace()) return 'unknown';
  if (!exists(pid)) return 'ended';
  if (place !== undefined) {
    const found = linuxProcess(pid);
    // Between the two looks it may have ended; or the system hides the processes of others.
    if (!found) return exists(pid) ? 'unknown' : 'ended';
    return found.ended || found.ticks !== ticks ? 'ended' : 'running';
  }
  const found = await startOf(pid);
  if (found === undefined) return 'unknown';
  return Math.abs(found - started) > TOLERANCE ? 'ended' : 'running';
}

/** When this machine was started, in milliseconds since 1970. */
export function bootTime(): number {
  return Date.now() - 1000 * uptime();
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Undefined where this is not Linux, or the system does not tell. */
function linuxPlace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

function linuxProcess(pid: number): { ticks: number; ended: boolean } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in parentheses, which may hold anything. Of those after it the first is the state, and
    // the twentieth the start (proc_pid_stat(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { ticks: Number(fields[19]), ended: fields[0] === 'Z' || fields[0] === 'X' };
  } catch {
    return undefined;
  }
}

/** When a process started, in milliseconds since 1970, as ps or Windows' PowerShell has it. */
function startOf(pid: number): Promise<number | undefined> {
  const [program, ...parameters] =
    process.platform === 'win32'
      ? [
          ...['powershell', '-NoProfile', '-NonInteractive', '-Command'],
          `([DateTimeOffset](Get-Process -Id ${pid}).StartTime).ToUnixTimeMilliseconds()`,
        ]
      : ['ps', '-o', 'lstart=', '-p', String(pid)];
  const environment = { ...process.env, LC_ALL: 'C' };
  return new Promise((resolve) => {
    execFile(program, parameters, { timeout: 20_000, env: environment }, (error, stdout) => {
      const text = stdout.trim();
      const start = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
      resolve(error || Number.isNaN(start) ? undefined : start);
    });
  });
}
