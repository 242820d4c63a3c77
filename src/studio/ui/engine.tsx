/** What computes: the badge at the top, the sentence beside a run, and the choice. */
import type { RunEngine } from '../run-spec.js';
import type { EngineChoice } from '../settings.js';
import { oneThreadReason } from './isolation.js';
import { Choice } from './parts.js';
import { run } from './run.js';
import { change, settings } from './state.js';

export const engineName = ({ device, threads }: Pick<RunEngine, 'device' | 'threads'>): string =>
  device === 'webgpu' ? 'WebGPU' : `WebAssembly, ${threads === 1 ? '1 thread' : `${threads} threads`}`;

const oneThreadBecause = ({ device, threads }: Pick<RunEngine, 'device' | 'threads'>): string | undefined =>
  device === 'cpu' && threads === 1 ? oneThreadReason() : undefined;

/** The engine of the run; before there is one, what every page has. */
export function EngineBadge({ threads }: { readonly threads: number }) {
  const engine = run.value?.engine ?? { device: 'cpu', threads };
  const why = oneThreadBecause(engine);
  return (
    <span class="badge" title={why === undefined ? undefined : `One thread, because ${why}.`}>
      {engineName(engine)}
      {why !== undefined && <span class="reason">: {why}</span>}
    </span>
  );
}

/** What a run computes on, and why. */
export function EngineNote({ engine }: { readonly engine: RunEngine }) {
  const { gpu, reason, moved } = engine;
  const why = oneThreadBecause(engine);
  return (
    <>
      {moved !== undefined && <p class="note">{moved}</p>}
      <p class="muted facts">
        Computed on {engineName(engine)}
        {gpu !== undefined && gpu !== '' && ` (${gpu})`}
        {why !== undefined && `, because ${why}`}.{reason !== undefined && ` ${reason}`}
      </p>
    </>
  );
}

const choices: readonly (readonly [EngineChoice, string])[] = [
  ['auto', 'Automatic'],
  ['wasm', 'WebAssembly'],
  ['webgpu', 'WebGPU'],
];

export function EngineSetting() {
  return (
    <details>
      <summary>Engine: what computes</summary>
      <div class="fields">
        <Choice
          label="Engine"
          hint="Automatic is WebGPU where a trial step on it gives what WebAssembly gives, and is no slower; chosen, WebGPU may be slower, but never wrong."
          value={settings.value.engine}
          options={choices}
          onChange={(engine) => {
            change({ engine });
          }}
        />
      </div>
    </details>
  );
}
