// The words of the citizens' pages.
import { speak } from '../core/lang';
import { en } from './messages/en';
import { vi } from './messages/vi';

export type Key = keyof typeof vi;
export type Messages = { readonly [K in Key]: string };

const words = speak<Key>({ vi, en });
export const t = words.t;
export const word = words.word;
export const has: (key: string) => key is Key = words.has;
