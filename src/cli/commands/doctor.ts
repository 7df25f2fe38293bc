import { Command } from 'commander';
import type { ExaminedPlugin } from '../../engines/xla/doctor.ts';
import { type EngineReport, examineEngines } from '../../run/examine-engines.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what this machine can train on, what is missing, and the command that installs it')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ npx beyond-masking doctor')
    .action(async ({ json }: { json?: boolean }) => {
      const report = await examineEngines();
      console.log(json ? JSON.stringify(report, null, 2) : describe(report));
    });
}

function describe({ onnx, onednn, xla, auto, advice }: EngineReport): string {
  const lines = [
    `onnx   ${onnx}`,
    `onednn ${onednn ?? 'does not run here'}`,
    `xla    ${xla.koffi ? '' : 'the package koffi is not installed; '}${xla.plugins.length === 0 ? 'no plugin found' : ''}`,
    ...xla.plugins.map((plugin) => `       ${describePlugin(plugin)}`),
    `GPUs   ${xla.gpus.length > 0 ? xla.gpus.join(', ') : "none that NVIDIA's driver sees"}`,
    '',
    `--engine auto takes ${auto}`,
    ...advice.map((line) => `missing: ${line}`),
  ];
  return lines.map((line) => line.trimEnd()).join('\n');
}

function describePlugin({ path, origin, works, error }: ExaminedPlugin): string {
  const state = works
    ? `works: ${works.platform}, ${works.devices.length} × ${works.devices[0]}, PJRT API ${works.version}`
    : `does not work: ${error ?? 'not tried'}`;
  return `${path} (${origin}): ${state}`;
}
