import { beit } from './beit.ts';
import { huggingface } from './huggingface.ts';
import { mae } from './mae.ts';
import type { NamingTable } from './naming.ts';
import { paper } from './paper.ts';
import { timm } from './timm.ts';

/** The supported namings, the most specific first: MAE's names include timm's. */
export const tables: readonly NamingTable[] = [beit, huggingface, paper, mae, timm];
