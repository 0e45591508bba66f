import { SETTING_NAMES } from './settings/settings.ts';

/** They come from Secrets, by values of the chart's own. */
const SECRET = /(SECRET_KEY|SECRET_KEY_PREVIOUS|BUILDER_KEY|ENCRYPTION_KEYS|PASSWORD|TOKEN|DATABASE_URL)$/;
/** The chart sets them itself, or a pod has no use for them. */
const OF_THE_CHART = /^(PORT|HOST|DATA_DIR|KUBECONFIG|SANDBOX_\w+|KEELSON_\w+|MIGRATE_ON_START|NODE_ENV)$/;

/** The settings that may be given as values of the chart. */
export const chartSettings = (): string[] => SETTING_NAMES.filter((name) => !SECRET.test(name) && !OF_THE_CHART.test(name));
