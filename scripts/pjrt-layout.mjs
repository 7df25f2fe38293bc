// Writes src/engines/xla/pjrt/layout.ts: the offsets of the PJRT C API's fields, as a C compiler computes them.
//
//   node scripts/pjrt-layout.mjs [pjrt_c_api.h]
//
// Without a path, downloads the header from XLA's repository (Apache-2.0) and does not keep it. The API only ever
// grows at
// the end, so plugins of later minor versions fit as well.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = 'https://raw.githubusercontent.com/openxla/xla/main/xla/pjrt/c/pjrt_c_api.h';

/** Functions that the client calls. The arguments of PJRT_X are the struct PJRT_X_Args. */
const functions = [
  'PJRT_Error_Destroy',
  'PJRT_Error_Message',
  'PJRT_Error_GetCode',
  'PJRT_Plugin_Initialize',
  'PJRT_Event_Destroy',
  'PJRT_Event_IsReady',
  'PJRT_Event_Error',
  'PJRT_Client_Create',
  'PJRT_Client_Destroy',
  'PJRT_Client_PlatformName',
  'PJRT_Client_PlatformVersion',
  'PJRT_Client_AddressableDevices',
  'PJRT_Client_Compile',
  'PJRT_Client_BufferFromHostBuffer',
  'PJRT_Device_GetDescription',
  'PJRT_Device_MemoryStats',
  'PJRT_DeviceDescription_Id',
  'PJRT_DeviceDescription_Attributes',
  'PJRT_DeviceDescription_Kind',
  'PJRT_LoadedExecutable_GetExecutable',
  'PJRT_LoadedExecutable_Destroy',
  'PJRT_LoadedExecutable_Execute',
  'PJRT_Executable_Destroy',
  'PJRT_Executable_NumOutputs',
  'PJRT_Executable_GetCompiledMemoryStats',
  'PJRT_Executable_Serialize',
  'PJRT_Executable_DeserializeAndLoad',
  'PJRT_Buffer_Destroy',
  'PJRT_Buffer_ToHostBuffer',
];
const others = ['PJRT_NamedValue', 'PJRT_Program', 'PJRT_ExecuteOptions'];
const constants = [
  'PJRT_Error_Code_RESOURCE_EXHAUSTED',
  'PJRT_Error_Code_UNIMPLEMENTED',
  'PJRT_Buffer_Type_S32',
  'PJRT_Buffer_Type_U8',
  'PJRT_Buffer_Type_F32',
  'PJRT_NamedValue_kString',
  'PJRT_NamedValue_kInt64',
  'PJRT_NamedValue_kInt64List',
  'PJRT_NamedValue_kFloat',
  'PJRT_NamedValue_kBool',
  'PJRT_HostBufferSemantics_kImmutableUntilTransferCompletes',
];

const path = process.argv[2];
const header = path ? readFileSync(path, 'utf8') : await (await fetch(SOURCE)).text();
const folder = mkdtempSync(join(tmpdir(), 'pjrt-layout-'));
try {
  writeFileSync(join(folder, 'pjrt_c_api.h'), header);
  const program = join(folder, 'layout');
  writeFileSync(`${program}.c`, source());
  execFileSync('cc', ['-w', '-o', program, `${program}.c`]);
  const layout = JSON.parse(execFileSync(program, { encoding: 'utf8' }));
  const target = fileURLToPath(new URL('../src/engines/xla/pjrt/layout.ts', import.meta.url));
  writeFileSync(target, text(layout));
  execFileSync('npx', ['biome', 'check', '--write', target]);
  console.log(`${target}: API ${layout.version.join('.')}, ${functions.length} functions`);
} finally {
  rmSync(folder, { recursive: true });
}

/** A C program that prints the layout as JSON. */
function source() {
  const structs = [...functions.map((name) => `${name}_Args`), ...others].map((name) => {
    const fields = fieldsOf(name).map(
      (field) => `printf("\\"${field}\\": [%zu, %zu],", offsetof(T, ${field}), sizeof(((T*)0)->${field}));`,
    );
    return `{ typedef ${name} T; printf("\\"${name}\\": {\\"size\\": %zu, \\"fields\\": {", (size_t)${name}_STRUCT_SIZE); ${fields.join(' ')} printf("\\"\\": [0, 0]}},"); }`;
  });
  const offsets = functions.map((name) => `printf("\\"${name}\\": %zu,", offsetof(PJRT_Api, ${name}));`);
  const values = constants.map((name) => `printf("\\"${name}\\": %d,", (int)${name});`);
  return `#include <stdio.h>
#include <stddef.h>
#include "pjrt_c_api.h"
int main(void) {
  printf("{\\"version\\": [%d, %d],", PJRT_API_MAJOR, PJRT_API_MINOR);
  printf("\\"versionAt\\": %zu,", offsetof(PJRT_Api, pjrt_api_version) + offsetof(PJRT_Api_Version, major_version));
  printf("\\"functions\\": {"); ${offsets.join('\n')} printf("\\"\\": 0},");
  printf("\\"constants\\": {"); ${values.join('\n')} printf("\\"\\": 0},");
  printf("\\"structs\\": {"); ${structs.join('\n')} printf("\\"\\": 0}}");
  return 0;
}`;
}

/** Names of a struct's fields; fields of a nested union count as the struct's. */
function fieldsOf(name) {
  const body = new RegExp(`struct ${name} \\{([\\s\\S]*?)\\n\\};`).exec(header)?.[1];
  if (!body) throw new Error(`the header must define ${name}, got none`);
  return body
    .replace(/\/\/.*$/gm, '')
    .replace(/union \{|\};/g, '')
    .split(';')
    .flatMap(
      (line) => (/\(\*(\w+)\)\(/.exec(line) ?? /(\w+)\s*(?:\[\w*\])?\s*$/.exec(line.trim()))?.[1] ?? [],
    );
}

function text({ version, versionAt, functions, structs, constants }) {
  const clean = (table) => Object.fromEntries(Object.entries(table).filter(([key]) => key !== ''));
  for (const key in structs) if (key) structs[key].fields = clean(structs[key].fields);
  return `// Written by scripts/pjrt-layout.mjs from pjrt_c_api.h of XLA. Do not edit.

/** Version of the API, [major, minor]. */
export const apiVersion = ${JSON.stringify(version)} as const;

/** Offset of the plugin's version in its table of functions. */
export const versionAt = ${versionAt};

/** Offset of each function's pointer in the table. */
export const functions = ${JSON.stringify(clean(functions))} as const;

/** Size of each struct, and its fields: [offset, bytes]. */
export const structs = ${JSON.stringify(clean(structs))} as const;

export const constants = ${JSON.stringify(clean(constants))} as const;
`;
}
