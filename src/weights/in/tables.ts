import { huggingface } from './huggingface.ts';
import { mae } from './mae.ts';
import type { NamingTable } from './naming.ts';
import { paper } from './paper.ts';
import { timm } from './timm.ts';

/** The namings that are understood, the most particular first: MAE's names are timm's and more. */
export const tables: readonly NamingTable[] = [huggingface, paper, mae, timm];
