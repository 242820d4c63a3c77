/** The Studio: the page in which one's own pictures are trained on. */
import { render } from 'preact';
import { App } from './ui/app.js';
import { claim, isolate } from './ui/isolation.js';
import { attempt, loadCatalog, problem, startWorkers, stage, workers } from './ui/state.js';
import { messageOf } from './rpc.js';

async function begin(): Promise<void> {
  const place = document.getElementById('app')!;
  const { reloading, policed } = await isolate();
  if (reloading) return;
  if (!(await claim())) {
    place.textContent = 'The Studio is open in another tab. Close it there, and load this page again.';
    place.className = 'boot';
    return;
  }
  startWorkers();
  const { training } = workers();
  const { threads } = await training.engine();
  await attempt(() => loadCatalog());
  // Before the run is there: opening it says what it is doing.
  place.textContent = '';
  render(<App threads={threads} policed={policed} />, place);
  try {
    const found = await training.reopen();
    if (found !== undefined && location.hash === '') stage.value = 'train';
  } catch (error) {
    problem.value = `The run that was kept here cannot go on: ${messageOf(error)}`;
    await training.forget();
  }
}

begin().catch((error: unknown) => {
  const place = document.getElementById('app')!;
  place.className = 'boot';
  place.textContent = messageOf(error);
});
