import type { IContainer, IPodSpec, IProbe, IVolume } from 'kubernetes-models/v1';
import type { FieldFault } from './api-error.ts';
import { atLeastZero, forbiddenField, formatted, invalidValue, notFoundValue, oneOf, repeatedNames, required } from './field-faults.ts';
import { dnsLabel, dnsSubdomain, envVarName, portName, qualifiedName } from './name-formats.ts';
import { nano } from './quantity.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];

export function podSpecFaults(spec: IPodSpec, at: string): FieldFault[] {
  const volumes = spec.volumes ?? [];
  const names = new Set(volumes.map(({ name }) => name));
  return [
    ...volumes.flatMap((volume, index) => volumeFaults(volume, `${at}.volumes[${index}]`)),
    ...repeatedNames(`${at}.volumes`, volumes),
    ...(spec.containers.length ? containersFaults(spec.containers, names, `${at}.containers`) : [required(`${at}.containers`)]),
    ...containersFaults(spec.initContainers ?? [], names, `${at}.initContainers`),
    ...oneOf(`${at}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...oneOf(`${at}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']),
    ...atLeastZero(`${at}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds),
    ...(spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1
      ? [invalidValue(`${at}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 'must be between 1 and 2147483647, inclusive')]
      : []),
    ...(spec.serviceAccountName ? formatted(`${at}.serviceAccountName`, spec.serviceAccountName, dnsSubdomain) : []),
    ...(spec.nodeName ? formatted(`${at}.nodeName`, spec.nodeName, dnsSubdomain) : []),
    ...(spec.hostname ? formatted(`${at}.hostname`, spec.hostname, dnsLabel) : []),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, index) => (name ? [] : [required(`${at}.imagePullSecrets[${index}].name`)])),
    ...(spec.tolerations ?? []).flatMap(({ operator, effect }, index) => [
      ...oneOf(`${at}.tolerations[${index}].operator`, operator, ['Equal', 'Exists']),
      ...oneOf(`${at}.tolerations[${index}].effect`, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
    ]),
    ...(spec.topologySpreadConstraints ?? []).flatMap(({ maxSkew, topologyKey, whenUnsatisfiable }, index) => {
      const field = `${at}.topologySpreadConstraints[${index}]`;
      return [
        ...(maxSkew > 0 ? [] : [invalidValue(`${field}.maxSkew`, maxSkew, 'must be greater than zero')]),
        ...(topologyKey ? [] : [required(`${field}.topologyKey`, 'can not be empty')]),
        ...oneOf(`${field}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']),
      ];
    }),
  ];
}

function volumeFaults({ name, ...sources }: IVolume, at: string): FieldFault[] {
  const [, ...more] = Object.keys(sources);
  return [
    ...(name ? formatted(`${at}.name`, name, dnsLabel) : [required(`${at}.name`)]),
    ...more.map((source) => forbiddenField(`${at}.${source}`, 'may not specify more than 1 volume type')),
    ...(sources.secret && !sources.secret.secretName ? [required(`${at}.secret.secretName`)] : []),
    ...(sources.configMap && !sources.configMap.name ? [required(`${at}.configMap.name`)] : []),
    ...(sources.persistentVolumeClaim && !sources.persistentVolumeClaim.claimName
      ? [required(`${at}.persistentVolumeClaim.claimName`)]
      : []),
    ...(sources.hostPath && !sources.hostPath.path ? [required(`${at}.hostPath.path`)] : []),
  ];
}

const containersFaults = (containers: IContainer[], volumes: ReadonlySet<string>, at: string): FieldFault[] => [
  ...containers.flatMap((container, index) => containerFaults(container, volumes, `${at}[${index}]`)),
  ...repeatedNames(at, containers),
];

function containerFaults(container: IContainer, volumes: ReadonlySet<string>, at: string): FieldFault[] {
  const { name, image, livenessProbe, startupProbe, readinessProbe } = container;
  return [
    ...(name ? formatted(`${at}.name`, name, dnsLabel) : [required(`${at}.name`)]),
    ...(image ? [] : [required(`${at}.image`)]),
    ...lifecycleFaults(container.lifecycle, `${at}.lifecycle`),
    ...probeFaults(livenessProbe, `${at}.livenessProbe`, true),
    ...probeFaults(startupProbe, `${at}.startupProbe`, true),
    ...oneOf(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...probeFaults(readinessProbe, `${at}.readinessProbe`, false),
    ...portsFaults(container.ports ?? [], `${at}.ports`),
    ...envFaults(container, at),
    ...(container.volumeMounts ?? []).flatMap((mount, index) => [
      ...(mount.name ? [] : [required(`${at}.volumeMounts[${index}].name`)]),
      ...(volumes.has(mount.name) ? [] : [notFoundValue(`${at}.volumeMounts[${index}].name`, mount.name)]),
      ...(mount.mountPath ? [] : [required(`${at}.volumeMounts[${index}].mountPath`)]),
      ...(container.volumeMounts?.findIndex(({ mountPath }) => mountPath === mount.mountPath) === index
        ? []
        : [invalidValue(`${at}.volumeMounts[${index}].mountPath`, mount.mountPath, 'must be unique')]),
    ]),
    ...oneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...resourcesFaults(container.resources, `${at}.resources`),
    ...securityFaults(container.securityContext, `${at}.securityContext`),
  ];
}

function probeFaults(probe: IProbe | undefined, at: string, succeedsOnce: boolean): FieldFault[] {
  if (!probe) return [];
  const numbers = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;
  return [
    ...handlerFaults(probe, at),
    ...numbers.flatMap((name) => atLeastZero(`${at}.${name}`, probe[name])),
    ...(succeedsOnce && (probe.successThreshold ?? 1) !== 1
      ? [invalidValue(`${at}.successThreshold`, probe.successThreshold, 'must be 1')]
      : []),
  ];
}

const lifecycleFaults = (lifecycle: IContainer['lifecycle'], at: string): FieldFault[] =>
  Object.entries(lifecycle ?? {}).flatMap(([name, handler]) => handlerFaults(handler as Handler, `${at}.${name}`));

type Handler = Pick<IProbe, 'exec' | 'httpGet' | 'tcpSocket'>;

function handlerFaults({ exec, httpGet, tcpSocket }: Handler, at: string): FieldFault[] {
  const handlers: [kind: string, faults: FieldFault[]][] = [];
  if (exec) handlers.push(['exec', exec.command?.length ? [] : [required(`${at}.exec.command`)]]);
  if (httpGet) {
    const scheme = oneOf(`${at}.httpGet.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']);
    handlers.push(['httpGet', [...portFaults(`${at}.httpGet.port`, httpGet.port), ...scheme]]);
  }
  if (tcpSocket) handlers.push(['tcpSocket', portFaults(`${at}.tcpSocket.port`, tcpSocket.port)]);
  const [first, ...more] = handlers;
  if (!first) return [required(at, 'must specify a handler type')];
  return [...first[1], ...more.map(([kind]) => forbiddenField(`${at}.${kind}`, 'may not specify more than 1 handler type'))];
}

/** A port by number, or by a name that a container port can have. */
export const portFaults = (at: string, port: string | number | undefined): FieldFault[] =>
  typeof port === 'string' ? formatted(at, port, portName) : portNumberFaults(at, port ?? 0);

export const portNumberFaults = (at: string, port: number): FieldFault[] =>
  port >= 1 && port <= 65_535 ? [] : [invalidValue(at, port, 'must be between 1 and 65535, inclusive')];

function portsFaults(ports: NonNullable<IContainer['ports']>, at: string): FieldFault[] {
  return [
    ...ports.flatMap(({ name, containerPort, hostPort, protocol }, index) => [
      ...(name ? formatted(`${at}[${index}].name`, name, portName) : []),
      ...(containerPort ? portNumberFaults(`${at}[${index}].containerPort`, containerPort) : [required(`${at}[${index}].containerPort`)]),
      ...(hostPort ? portNumberFaults(`${at}[${index}].hostPort`, hostPort) : []),
      ...oneOf(`${at}[${index}].protocol`, protocol, protocols),
    ]),
    ...repeatedNames(at, ports),
  ];
}

function envFaults({ env, envFrom }: IContainer, at: string): FieldFault[] {
  return [
    ...(env ?? []).flatMap((variable, index) => {
      const field = `${at}.env[${index}]`;
      const name = variable.name ? formatted(`${field}.name`, variable.name, envVarName) : [required(`${field}.name`)];
      return [...name, ...valueFromFaults(variable, `${field}.valueFrom`)];
    }),
    ...(envFrom ?? []).flatMap(({ prefix, configMapRef, secretRef }, index) => {
      const field = `${at}.envFrom[${index}]`;
      return [
        ...(prefix ? formatted(`${field}.prefix`, prefix, envVarName) : []),
        ...(configMapRef || secretRef ? [] : [invalidValue(field, '', 'must specify one of: `configMapRef` or `secretRef`')]),
        ...(configMapRef && !configMapRef.name ? [required(`${field}.configMapRef.name`)] : []),
        ...(secretRef && !secretRef.name ? [required(`${field}.secretRef.name`)] : []),
      ];
    }),
  ];
}

function valueFromFaults({ value, valueFrom }: NonNullable<IContainer['env']>[number], at: string): FieldFault[] {
  if (!valueFrom) return [];
  const sources = Object.keys(valueFrom).length;
  const references = { configMapKeyRef: valueFrom.configMapKeyRef, secretKeyRef: valueFrom.secretKeyRef };
  return [
    ...Object.entries(references).flatMap(([kind, reference]) =>
      reference
        ? [
            ...formatted(`${at}.${kind}.name`, reference.name ?? '', dnsSubdomain),
            ...(reference.key ? [] : [required(`${at}.${kind}.key`)]),
          ]
        : [],
    ),
    ...(sources === 0
      ? [invalidValue(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`')]
      : []),
    ...(sources > 0 && value ? [invalidValue(at, '', 'may not be specified when `value` is not empty')] : []),
    ...(sources > 1 && !value ? [invalidValue(at, '', 'may not have more than one field specified at a time')] : []),
  ];
}

const isStandard = (name: string): boolean => ['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-');

function resourcesFaults(resources: IContainer['resources'], at: string): FieldFault[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const amounts = (kind: string, quantities: Record<string, string | number>): FieldFault[] =>
    Object.entries(quantities).flatMap(([name, quantity]) => {
      const field = `${at}.${kind}[${name}]`;
      return [
        ...formatted(field, name, qualifiedName),
        ...(name.includes('/') || isStandard(name)
          ? []
          : ['must be a standard resource type or fully qualified', 'must be a standard resource for containers'].map((words) =>
              invalidValue(field, name, words),
            )),
        ...(nano(quantity) < 0n ? [invalidValue(field, String(quantity), 'must be greater than or equal to 0')] : []),
      ];
    });
  return [
    ...amounts('limits', limits),
    ...amounts('requests', requests),
    ...Object.entries(requests).flatMap(([name, quantity]) =>
      limits[name] !== undefined && nano(quantity) > nano(limits[name])
        ? [invalidValue(`${at}.requests`, String(quantity), `must be less than or equal to ${name} limit`)]
        : [],
    ),
  ];
}

function securityFaults(context: IContainer['securityContext'], at: string): FieldFault[] {
  if (!context) return [];
  const { runAsUser, runAsGroup, privileged, allowPrivilegeEscalation } = context;
  const range = 'must be between 0 and 2147483647, inclusive';
  return [
    ...(runAsUser !== undefined && runAsUser < 0 ? [invalidValue(`${at}.runAsUser`, runAsUser, range)] : []),
    ...(runAsGroup !== undefined && runAsGroup < 0 ? [invalidValue(`${at}.runAsGroup`, runAsGroup, range)] : []),
    ...(privileged && allowPrivilegeEscalation === false
      ? [invalidValue(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')]
      : []),
  ];
}
