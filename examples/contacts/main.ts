#!/usr/bin/env node
import { runCommand } from '../../src/commands/command-line.ts';
import { contacts } from './contacts.extension.ts';

/** `keelson`, with contacts: the same commands and the same settings. */
runCommand([contacts]);
