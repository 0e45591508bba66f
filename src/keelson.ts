#!/usr/bin/env node
import { runCommand } from './commands/command-line.ts';

runCommand();
