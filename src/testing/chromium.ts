/** Where a browser of the Chromium family is found on this machine, if there is one. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const onPath = {
  linux: [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'microsoft-edge',
    'microsoft-edge-stable',
  ],
  win32: ['chrome.exe', 'msedge.exe', 'chromium.exe'],
};

const macApplications = ['Chromium', 'Google Chrome', 'Microsoft Edge'];

const windowsPrograms = [
  'Chromium/Application/chrome.exe',
  'Google/Chrome/Application/chrome.exe',
  'Microsoft/Edge/Application/msedge.exe',
];

/**
 * The program to start, or undefined.
 *
 * `$CHROME_PATH` goes first and is not questioned: whoever sets it to a file that does not exist shall hear of it.
 * Then come the programs that Debian, Ubuntu (whose `chromium` is a snap), macOS and Windows install.
 */
export function findChromium(
  platform: NodeJS.Platform = process.platform,
  environment: NodeJS.ProcessEnv = process.env,
  exists: (path: string) => boolean = executable,
): string | undefined {
  return environment.CHROME_PATH ?? candidates(platform, environment).find((path) => exists(path));
}

function candidates(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): string[] {
  const { HOME = '', PATH = '' } = environment;
  if (platform === 'darwin') {
    return ['/Applications', join(HOME, 'Applications')].flatMap((folder) =>
      macApplications.map((name) => join(folder, `${name}.app`, 'Contents', 'MacOS', name)),
    );
  }
  if (platform === 'win32') {
    const folders = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap(
      (name) => environment[name] ?? [],
    );
    return [
      ...folders.flatMap((folder) => windowsPrograms.map((program) => join(folder, program))),
      ...searched(PATH.split(';'), onPath.win32),
    ];
  }
  // A minimal PATH, as services have it, does not contain the folder of snaps.
  return searched([...PATH.split(':'), '/usr/bin', '/usr/local/bin', '/snap/bin'], onPath.linux);
}

function searched(folders: readonly string[], names: readonly string[]): string[] {
  return names.flatMap((name) =>
    folders.filter((folder) => folder !== '').map((folder) => join(folder, name)),
  );
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
