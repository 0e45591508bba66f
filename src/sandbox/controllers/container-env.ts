import type { Store } from '../store.ts';
import type { ConfigMap, Container, Pod, Secret } from './objects.ts';

/** Why a container can't be created: the words of CreateContainerConfigError. */
export class ContainerConfigError extends Error {}

type Values = Record<string, string>;

/** A container's environment, resolved as the kubelet does. Throws ContainerConfigError for what a pod names and the namespace lacks. */
export function containerEnv(store: Store, pod: Pod, container: Container, addresses: { podIP: string; hostIP: string }): Values {
  const namespace = pod.metadata.namespace ?? '';
  const values: Values = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: pod.metadata.name,
    HOME: '/root',
  };

  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const found = secretRef
      ? secretValues(store, namespace, secretRef.name ?? '', secretRef.optional)
      : configMapValues(store, namespace, configMapRef?.name ?? '', configMapRef?.optional);
    for (const [key, value] of Object.entries(found ?? {})) values[prefix + key] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) {
      values[name] = expanded(value ?? '', values);
      continue;
    }
    const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
    if (secretKeyRef) {
      const found = secretValues(store, namespace, secretKeyRef.name ?? '', secretKeyRef.optional);
      set(name, found, secretKeyRef, `Secret ${namespace}/${secretKeyRef.name ?? ''}`);
    } else if (configMapKeyRef) {
      const found = configMapValues(store, namespace, configMapKeyRef.name ?? '', configMapKeyRef.optional);
      set(name, found, configMapKeyRef, `ConfigMap ${namespace}/${configMapKeyRef.name ?? ''}`);
    } else if (fieldRef) {
      values[name] = fieldOf(pod, fieldRef.fieldPath, addresses);
    }
  }
  return values;

  function set(name: string, found: Values | undefined, { key, optional }: { key: string; optional?: boolean }, where: string): void {
    const value = found?.[key];
    if (value !== undefined) values[name] = value;
    else if (!optional) throw new ContainerConfigError(`couldn't find key ${key} in ${where}`);
  }
}

/** Command and arguments, with `$(NAME)` replaced by the environment's values. */
export const argvOf = ({ command, args }: Container, env: Values): string[] =>
  [...(command ?? []), ...(args ?? [])].map((word) => expanded(word, env));

/** `$(NAME)` of what is known is replaced, `$$` stands for one `$`. */
const expanded = (text: string, values: Values): string =>
  text.replace(/\$\$|\$\(([^)]+)\)/g, (whole, name: string | undefined) => (name === undefined ? '$' : (values[name] ?? whole)));

function secretValues(store: Store, namespace: string, name: string, optional = false): Values | undefined {
  const secret = store.get<Secret>('secrets', namespace, name);
  if (!secret && !optional) throw new ContainerConfigError(`secret "${name}" not found`);
  return (
    secret && Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
  );
}

function configMapValues(store: Store, namespace: string, name: string, optional = false): Values | undefined {
  const map = store.get<ConfigMap>('configmaps', namespace, name);
  if (!map && !optional) throw new ContainerConfigError(`configmap "${name}" not found`);
  return map && { ...map.data };
}

function fieldOf(pod: Pod, path: string, { podIP, hostIP }: { podIP: string; hostIP: string }): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (map && key) return pod.metadata[map as 'labels' | 'annotations']?.[key] ?? '';
  const fields: Values = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName ?? '',
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? '',
    'status.podIP': podIP,
    'status.hostIP': hostIP,
  };
  return fields[path] ?? '';
}
