/** The example page: what it loads trains anywhere; and the page itself, in a browser, where there is one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../../examples/browser/build.ts';
import { drawLosses } from '../../examples/browser/draw.ts';
import { batch } from '../../examples/browser/model.ts';
import { type SpiralStep, train } from '../../examples/browser/train.ts';
import type { Tensors, WasmStepOptions } from '../../runtime/step.ts';

interface EmittedPage {
  createStep(options?: WasmStepOptions): SpiralStep;
  loadSafetensors(bytes: Uint8Array): Tensors;
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'page-'));
  buildPage(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the page', () => {
  it('trains: the loss falls to less than a fifth', async () => {
    const page: EmittedPage = await import(/* @vite-ignore */ pathToFileURL(join(folder, 'step.js')).href);
    let pauses = 0;
    const losses = await train(page.createStep(), {
      weights: page.loadSafetensors(readFileSync(join(folder, 'step.safetensors'))),
      batch,
      steps: 600,
      learningRate: 0.2,
      onLoss: () => {},
      pause: async () => {
        pauses++;
      },
    });
    expect(losses).toHaveLength(600);
    expect(pauses).toBe(60);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 5);
  });

  it('draws the losses from left to right, the largest on top', () => {
    const points: [number, number][] = [];
    const pen = {
      strokeStyle: '',
      lineWidth: 0,
      clearRect() {},
      beginPath() {},
      moveTo: (x: number, y: number) => points.push([x, y]),
      lineTo: (x: number, y: number) => points.push([x, y]),
      stroke() {},
    };
    drawLosses(pen, { width: 100, height: 54 }, [2, 1, 0], 4);
    expect(points).toEqual([
      [0, 2],
      [25, 27],
      [50, 52],
    ]);
  });
});

/** What is used of playwright-core, which is not a dependency. */
interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<{
      newPage(): Promise<{
        goto(url: string): Promise<unknown>;
        waitForSelector(selector: string): Promise<unknown>;
        evaluate(code: string): Promise<unknown>;
      }>;
      close(): Promise<void>;
    }>;
  };
}

async function findPlaywright(): Promise<Playwright | undefined> {
  const name = 'playwright-core';
  try {
    return await import(/* @vite-ignore */ name);
  } catch {
    return undefined;
  }
}

function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

const playwright = await findPlaywright();
const executablePath = findChromium();
const reason =
  playwright === undefined ? 'no playwright-core' : executablePath === undefined ? 'no chromium' : undefined;
if (reason !== undefined) console.info(`skipped the page in a browser: there is ${reason}`);

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.safetensors': 'application/octet-stream',
};

describe.skipIf(reason !== undefined)('in Chromium', () => {
  it('trains to the end and draws', async () => {
    const server = createServer((request, response) => {
      const name = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1);
      try {
        const contents = readFileSync(join(folder, name));
        response.writeHead(200, { 'content-type': types[extname(name)] ?? 'text/plain' }).end(contents);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const browser = await playwright!.chromium.launch({ executablePath: executablePath!, args: flags });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${port}/index.html`);
      await page.waitForSelector('body[data-state]');
      expect(await page.evaluate('document.body.dataset.state')).toBe('done');
      const first = Number(await page.evaluate('document.body.dataset.firstLoss'));
      expect(Number(await page.evaluate('document.body.dataset.lastLoss'))).toBeLessThan(first / 5);
      const drawn = `(() => {
        const canvas = document.getElementById('losses');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value) => value !== 0);
      })()`;
      expect(await page.evaluate(drawn)).toBe(true);
    } finally {
      await browser.close();
      server.close();
    }
  });
});
