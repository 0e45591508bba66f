/**
 * The fields of everything the sandbox serves, taken from the OpenAPI document that Kubernetes 1.20 publishes: one type after the other,
 * `field type`, where `!` is a field that must be set, `?` one whose zero is kept (a pointer in Kubernetes' own types), `*` one that is always
 * written. `{x}` is a map, `[x]` a list that is replaced as a whole, `[x by key]` a list merged by keys, `[x set]` a set of values; an atomic
 * type is applied as a whole. Volume types of single vendors are left out.
 */
export const definitions = `
Affinity: nodeAffinity NodeAffinity; podAffinity PodAffinity; podAntiAffinity PodAntiAffinity
AttachedVolume: devicePath!* string; name!* string
Binding: apiVersion string; kind string; metadata* ObjectMeta; target!* ObjectReference
CSIVolumeSource: driver!* string; fsType? string; nodePublishSecretRef LocalObjectReference; readOnly? boolean; volumeAttributes {string}
Capabilities: add [string]; drop [string]
ClientIPConfig: timeoutSeconds? int32
Condition: lastTransitionTime! Time; message!* string; observedGeneration int64; reason!* string; status!* string; type!* string
ConfigMap: apiVersion string; binaryData {bytes}; data {string}; immutable? boolean; kind string; metadata* ObjectMeta
ConfigMapEnvSource: name string; optional? boolean
ConfigMapKeySelector: key!* string; name string; optional? boolean
ConfigMapNodeConfigSource: kubeletConfigKey!* string; name!* string; namespace!* string; resourceVersion string; uid string
ConfigMapProjection: items [KeyToPath]; name string; optional? boolean
ConfigMapVolumeSource: defaultMode? int32; items [KeyToPath]; name string; optional? boolean
Container: args [string]; command [string]; env [EnvVar by name]; envFrom [EnvFromSource]; image string; imagePullPolicy string; lifecycle
  Lifecycle; livenessProbe Probe; name!* string; ports [ContainerPort by containerPort+protocol=TCP]; readinessProbe Probe; resources*
  ResourceRequirements; securityContext SecurityContext; startupProbe Probe; stdin boolean; stdinOnce boolean; terminationMessagePath
  string; terminationMessagePolicy string; tty boolean; volumeDevices [VolumeDevice by devicePath]; volumeMounts [VolumeMount by
  mountPath]; workingDir string
ContainerImage: names! [string]; sizeBytes int64
ContainerPort: containerPort!* int32; hostIP string; hostPort int32; name string; protocol string
ContainerState: running ContainerStateRunning; terminated ContainerStateTerminated; waiting ContainerStateWaiting
ContainerStateRunning: startedAt Time
ContainerStateTerminated: containerID string; exitCode!* int32; finishedAt Time; message string; reason string; signal int32; startedAt
  Time
ContainerStateWaiting: message string; reason string
ContainerStatus: containerID string; image!* string; imageID!* string; lastState* ContainerState; name!* string; ready!* boolean;
  restartCount!* int32; started? boolean; state* ContainerState
CrossVersionObjectReference: apiVersion string; kind!* string; name!* string
DaemonEndpoint: Port!* int32
DeleteOptions: apiVersion string; dryRun [string]; gracePeriodSeconds? int64; kind string; orphanDependents? boolean; preconditions
  Preconditions; propagationPolicy? string
Deployment: apiVersion string; kind string; metadata* ObjectMeta; spec* DeploymentSpec; status* DeploymentStatus
DeploymentCondition: lastTransitionTime Time; lastUpdateTime Time; message string; reason string; status!* string; type!* string
DeploymentSpec: minReadySeconds int32; paused boolean; progressDeadlineSeconds? int32; replicas? int32; revisionHistoryLimit? int32;
  selector! LabelSelector; strategy* DeploymentStrategy; template!* PodTemplateSpec
DeploymentStatus: availableReplicas int32; collisionCount? int32; conditions [DeploymentCondition by type]; observedGeneration int64;
  readyReplicas int32; replicas int32; unavailableReplicas int32; updatedReplicas int32
DeploymentStrategy: rollingUpdate RollingUpdateDeployment; type string
DownwardAPIProjection: items [DownwardAPIVolumeFile]
DownwardAPIVolumeFile: fieldRef ObjectFieldSelector; mode? int32; path!* string; resourceFieldRef ResourceFieldSelector
DownwardAPIVolumeSource: defaultMode? int32; items [DownwardAPIVolumeFile]
EmptyDirVolumeSource: medium string; sizeLimit Quantity
EndpointAddress: hostname string; ip!* string; nodeName? string; targetRef ObjectReference
EndpointPort: appProtocol? string; name string; port!* int32; protocol string
EndpointSubset: addresses [EndpointAddress]; notReadyAddresses [EndpointAddress]; ports [EndpointPort]
Endpoints: apiVersion string; kind string; metadata* ObjectMeta; subsets [EndpointSubset]
EnvFromSource: configMapRef ConfigMapEnvSource; prefix string; secretRef SecretEnvSource
EnvVar: name!* string; value string; valueFrom EnvVarSource
EnvVarSource: configMapKeyRef ConfigMapKeySelector; fieldRef ObjectFieldSelector; resourceFieldRef ResourceFieldSelector; secretKeyRef
  SecretKeySelector
EphemeralContainer: args [string]; command [string]; env [EnvVar by name]; envFrom [EnvFromSource]; image string; imagePullPolicy string;
  lifecycle Lifecycle; livenessProbe Probe; name!* string; ports [ContainerPort]; readinessProbe Probe; resources* ResourceRequirements;
  securityContext SecurityContext; startupProbe Probe; stdin boolean; stdinOnce boolean; targetContainerName string;
  terminationMessagePath string; terminationMessagePolicy string; tty boolean; volumeDevices [VolumeDevice by devicePath]; volumeMounts
  [VolumeMount by mountPath]; workingDir string
EphemeralVolumeSource: readOnly boolean; volumeClaimTemplate PersistentVolumeClaimTemplate
Event: action string; apiVersion string; count int32; eventTime MicroTime; firstTimestamp Time; involvedObject!* ObjectReference; kind
  string; lastTimestamp Time; message string; metadata!* ObjectMeta; reason string; related ObjectReference; reportingComponent* string;
  reportingInstance* string; series EventSeries; source* EventSource; type string
EventSeries: count int32; lastObservedTime MicroTime
EventSource: component string; host string
ExecAction: command [string]
HTTPGetAction: host string; httpHeaders [HTTPHeader]; path string; port! IntOrString; scheme string
HTTPHeader: name!* string; value!* string
HTTPIngressPath: backend!* IngressBackend; path string; pathType? string
HTTPIngressRuleValue: paths! [HTTPIngressPath]
Handler: exec ExecAction; httpGet HTTPGetAction; tcpSocket TCPSocketAction
HorizontalPodAutoscaler: apiVersion string; kind string; metadata* ObjectMeta; spec* HorizontalPodAutoscalerSpec; status*
  HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec: maxReplicas!* int32; minReplicas? int32; scaleTargetRef!* CrossVersionObjectReference;
  targetCPUUtilizationPercentage? int32
HorizontalPodAutoscalerStatus: currentCPUUtilizationPercentage? int32; currentReplicas!* int32; desiredReplicas!* int32; lastScaleTime
  Time; observedGeneration? int64
HostAlias: hostnames [string]; ip string
HostPathVolumeSource: path!* string; type? string
IPBlock: cidr!* string; except [string]
Ingress: apiVersion string; kind string; metadata* ObjectMeta; spec* IngressSpec; status* IngressStatus
IngressBackend: resource TypedLocalObjectReference; service IngressServiceBackend
IngressRule: host string; http HTTPIngressRuleValue
IngressServiceBackend: name!* string; port* ServiceBackendPort
IngressSpec: defaultBackend IngressBackend; ingressClassName? string; rules [IngressRule]; tls [IngressTLS]
IngressStatus: loadBalancer* LoadBalancerStatus
IngressTLS: hosts [string]; secretName string
KeyToPath: key!* string; mode? int32; path!* string
LabelSelector atomic: matchExpressions [LabelSelectorRequirement]; matchLabels {string}
LabelSelectorRequirement: key!* string; operator!* string; values [string]
Lifecycle: postStart Handler; preStop Handler
LimitRange: apiVersion string; kind string; metadata* ObjectMeta; spec* LimitRangeSpec
LimitRangeItem: default {Quantity}; defaultRequest {Quantity}; max {Quantity}; maxLimitRequestRatio {Quantity}; min {Quantity}; type!*
  string
LimitRangeSpec: limits! [LimitRangeItem]
LoadBalancerIngress: hostname string; ip string; ports [PortStatus]
LoadBalancerStatus: ingress [LoadBalancerIngress]
LocalObjectReference: name string
ManagedFieldsEntry: apiVersion string; fieldsType string; fieldsV1 object; manager string; operation string; time Time
NFSVolumeSource: path!* string; readOnly boolean; server!* string
Namespace: apiVersion string; kind string; metadata* ObjectMeta; spec* NamespaceSpec; status* NamespaceStatus
NamespaceCondition: lastTransitionTime Time; message string; reason string; status!* string; type!* string
NamespaceSpec: finalizers [string]
NamespaceStatus: conditions [NamespaceCondition by type]; phase string
NetworkPolicy: apiVersion string; kind string; metadata* ObjectMeta; spec* NetworkPolicySpec
NetworkPolicyEgressRule: ports [NetworkPolicyPort]; to [NetworkPolicyPeer]
NetworkPolicyIngressRule: from [NetworkPolicyPeer]; ports [NetworkPolicyPort]
NetworkPolicyPeer: ipBlock IPBlock; namespaceSelector LabelSelector; podSelector LabelSelector
NetworkPolicyPort: port IntOrString; protocol string
NetworkPolicySpec: egress [NetworkPolicyEgressRule]; ingress [NetworkPolicyIngressRule]; podSelector!* LabelSelector; policyTypes [string]
Node: apiVersion string; kind string; metadata* ObjectMeta; spec* NodeSpec; status* NodeStatus
NodeAddress: address!* string; type!* string
NodeAffinity: preferredDuringSchedulingIgnoredDuringExecution [PreferredSchedulingTerm]; requiredDuringSchedulingIgnoredDuringExecution
  NodeSelector
NodeCondition: lastHeartbeatTime Time; lastTransitionTime Time; message string; reason string; status!* string; type!* string
NodeConfigSource: configMap ConfigMapNodeConfigSource
NodeConfigStatus: active NodeConfigSource; assigned NodeConfigSource; error string; lastKnownGood NodeConfigSource
NodeDaemonEndpoints: kubeletEndpoint* DaemonEndpoint
NodeSelector: nodeSelectorTerms! [NodeSelectorTerm]
NodeSelectorRequirement: key!* string; operator!* string; values [string]
NodeSelectorTerm: matchExpressions [NodeSelectorRequirement]; matchFields [NodeSelectorRequirement]
NodeSpec: configSource NodeConfigSource; externalID string; podCIDR string; podCIDRs [string set]; providerID string; taints [Taint];
  unschedulable boolean
NodeStatus: addresses [NodeAddress by type]; allocatable {Quantity}; capacity {Quantity}; conditions [NodeCondition by type]; config
  NodeConfigStatus; daemonEndpoints* NodeDaemonEndpoints; images [ContainerImage]; nodeInfo* NodeSystemInfo; phase string; volumesAttached
  [AttachedVolume]; volumesInUse [string]
NodeSystemInfo: architecture!* string; bootID!* string; containerRuntimeVersion!* string; kernelVersion!* string; kubeProxyVersion!*
  string; kubeletVersion!* string; machineID!* string; operatingSystem!* string; osImage!* string; systemUUID!* string
ObjectFieldSelector: apiVersion string; fieldPath!* string
ObjectMeta: annotations {string}; clusterName string; creationTimestamp Time; deletionGracePeriodSeconds? int64; deletionTimestamp Time;
  finalizers [string set]; generateName string; generation int64; labels {string}; managedFields [ManagedFieldsEntry]; name string;
  namespace string; ownerReferences [OwnerReference by uid]; resourceVersion string; selfLink string; uid string
ObjectReference: apiVersion string; fieldPath string; kind string; name string; namespace string; resourceVersion string; uid string
OwnerReference: apiVersion!* string; blockOwnerDeletion? boolean; controller? boolean; kind!* string; name!* string; uid!* string
PersistentVolumeClaimSpec: accessModes [string]; dataSource TypedLocalObjectReference; resources* ResourceRequirements; selector
  LabelSelector; storageClassName? string; volumeMode? string; volumeName string
PersistentVolumeClaimTemplate: metadata* ObjectMeta; spec!* PersistentVolumeClaimSpec
PersistentVolumeClaimVolumeSource: claimName!* string; readOnly boolean
Pod: apiVersion string; kind string; metadata* ObjectMeta; spec* PodSpec; status* PodStatus
PodAffinity: preferredDuringSchedulingIgnoredDuringExecution [WeightedPodAffinityTerm]; requiredDuringSchedulingIgnoredDuringExecution
  [PodAffinityTerm]
PodAffinityTerm: labelSelector LabelSelector; namespaces [string]; topologyKey!* string
PodAntiAffinity: preferredDuringSchedulingIgnoredDuringExecution [WeightedPodAffinityTerm]; requiredDuringSchedulingIgnoredDuringExecution
  [PodAffinityTerm]
PodCondition: lastProbeTime Time; lastTransitionTime Time; message string; reason string; status!* string; type!* string
PodDNSConfig: nameservers [string]; options [PodDNSConfigOption]; searches [string]
PodDNSConfigOption: name string; value? string
PodIP: ip string
PodReadinessGate: conditionType!* string
PodSecurityContext: fsGroup? int64; fsGroupChangePolicy? string; runAsGroup? int64; runAsNonRoot? boolean; runAsUser? int64;
  seLinuxOptions SELinuxOptions; seccompProfile SeccompProfile; supplementalGroups [int64]; sysctls [Sysctl]; windowsOptions
  WindowsSecurityContextOptions
PodSpec: activeDeadlineSeconds? int64; affinity Affinity; automountServiceAccountToken? boolean; containers! [Container by name];
  dnsConfig PodDNSConfig; dnsPolicy string; enableServiceLinks? boolean; ephemeralContainers [EphemeralContainer by name]; hostAliases
  [HostAlias by ip]; hostIPC boolean; hostNetwork boolean; hostPID boolean; hostname string; imagePullSecrets [LocalObjectReference by
  name]; initContainers [Container by name]; nodeName string; nodeSelector {string}; overhead {Quantity}; preemptionPolicy? string;
  priority? int32; priorityClassName string; readinessGates [PodReadinessGate]; restartPolicy string; runtimeClassName? string;
  schedulerName string; securityContext PodSecurityContext; serviceAccount string; serviceAccountName string; setHostnameAsFQDN? boolean;
  shareProcessNamespace? boolean; subdomain string; terminationGracePeriodSeconds? int64; tolerations [Toleration];
  topologySpreadConstraints [TopologySpreadConstraint by topologyKey+whenUnsatisfiable]; volumes [Volume by name]
PodStatus: conditions [PodCondition by type]; containerStatuses [ContainerStatus]; ephemeralContainerStatuses [ContainerStatus]; hostIP
  string; initContainerStatuses [ContainerStatus]; message string; nominatedNodeName string; phase string; podIP string; podIPs [PodIP by
  ip]; qosClass string; reason string; startTime Time
PodTemplateSpec: metadata* ObjectMeta; spec* PodSpec
PortStatus: error? string; port!* int32; protocol!* string
Preconditions: resourceVersion? string; uid? string
PreferredSchedulingTerm: preference!* NodeSelectorTerm; weight!* int32
Probe: exec ExecAction; failureThreshold int32; httpGet HTTPGetAction; initialDelaySeconds int32; periodSeconds int32; successThreshold
  int32; tcpSocket TCPSocketAction; timeoutSeconds int32
ProjectedVolumeSource: defaultMode? int32; sources [VolumeProjection]
ReplicaSet: apiVersion string; kind string; metadata* ObjectMeta; spec* ReplicaSetSpec; status* ReplicaSetStatus
ReplicaSetCondition: lastTransitionTime Time; message string; reason string; status!* string; type!* string
ReplicaSetSpec: minReadySeconds int32; replicas? int32; selector! LabelSelector; template* PodTemplateSpec
ReplicaSetStatus: availableReplicas int32; conditions [ReplicaSetCondition by type]; fullyLabeledReplicas int32; observedGeneration int64;
  readyReplicas int32; replicas!* int32
ResourceFieldSelector: containerName string; divisor Quantity; resource!* string
ResourceQuota: apiVersion string; kind string; metadata* ObjectMeta; spec* ResourceQuotaSpec; status* ResourceQuotaStatus
ResourceQuotaSpec: hard {Quantity}; scopeSelector ScopeSelector; scopes [string]
ResourceQuotaStatus: hard {Quantity}; used {Quantity}
ResourceRequirements: limits {Quantity}; requests {Quantity}
RoleBinding: apiVersion string; kind string; metadata* ObjectMeta; roleRef!* RoleRef; subjects [Subject]
RoleRef: apiGroup!* string; kind!* string; name!* string
RollingUpdateDeployment: maxSurge IntOrString; maxUnavailable IntOrString
SELinuxOptions: level string; role string; type string; user string
Scale: apiVersion string; kind string; metadata* ObjectMeta; spec* ScaleSpec; status* ScaleStatus
ScaleSpec: replicas int32
ScaleStatus: replicas!* int32; selector string
ScopeSelector: matchExpressions [ScopedResourceSelectorRequirement]
ScopedResourceSelectorRequirement: operator!* string; scopeName!* string; values [string]
SeccompProfile: localhostProfile? string; type!* string
Secret: apiVersion string; data {bytes}; immutable? boolean; kind string; metadata* ObjectMeta; stringData {string}; type string
SecretEnvSource: name string; optional? boolean
SecretKeySelector: key!* string; name string; optional? boolean
SecretProjection: items [KeyToPath]; name string; optional? boolean
SecretVolumeSource: defaultMode? int32; items [KeyToPath]; optional? boolean; secretName string
SecurityContext: allowPrivilegeEscalation? boolean; capabilities Capabilities; privileged? boolean; procMount? string;
  readOnlyRootFilesystem? boolean; runAsGroup? int64; runAsNonRoot? boolean; runAsUser? int64; seLinuxOptions SELinuxOptions;
  seccompProfile SeccompProfile; windowsOptions WindowsSecurityContextOptions
Service: apiVersion string; kind string; metadata* ObjectMeta; spec* ServiceSpec; status* ServiceStatus
ServiceAccount: apiVersion string; automountServiceAccountToken? boolean; imagePullSecrets [LocalObjectReference]; kind string; metadata*
  ObjectMeta; secrets [ObjectReference by name]
ServiceAccountTokenProjection: audience string; expirationSeconds? int64; path!* string
ServiceBackendPort: name string; number int32
ServicePort: appProtocol? string; name string; nodePort int32; port!* int32; protocol string; targetPort IntOrString
ServiceSpec: allocateLoadBalancerNodePorts? boolean; clusterIP string; clusterIPs [string]; externalIPs [string]; externalName string;
  externalTrafficPolicy string; healthCheckNodePort int32; ipFamilies [string]; ipFamilyPolicy? string; loadBalancerIP string;
  loadBalancerSourceRanges [string]; ports [ServicePort by port+protocol]; publishNotReadyAddresses boolean; selector {string};
  sessionAffinity string; sessionAffinityConfig SessionAffinityConfig; topologyKeys [string]; type string
ServiceStatus: conditions [Condition by type]; loadBalancer* LoadBalancerStatus
SessionAffinityConfig: clientIP ClientIPConfig
Subject: apiGroup string; kind!* string; name!* string; namespace string
Sysctl: name!* string; value!* string
TCPSocketAction: host string; port! IntOrString
Taint: effect!* string; key!* string; timeAdded Time; value string
Toleration: effect string; key string; operator string; tolerationSeconds? int64; value string
TopologySpreadConstraint: labelSelector LabelSelector; maxSkew!* int32; topologyKey!* string; whenUnsatisfiable!* string
TypedLocalObjectReference: apiGroup? string; kind!* string; name!* string
Volume: configMap ConfigMapVolumeSource; csi CSIVolumeSource; downwardAPI DownwardAPIVolumeSource; emptyDir EmptyDirVolumeSource;
  ephemeral EphemeralVolumeSource; hostPath HostPathVolumeSource; name!* string; nfs NFSVolumeSource; persistentVolumeClaim
  PersistentVolumeClaimVolumeSource; projected ProjectedVolumeSource; secret SecretVolumeSource
VolumeDevice: devicePath!* string; name!* string
VolumeMount: mountPath!* string; mountPropagation? string; name!* string; readOnly boolean; subPath string; subPathExpr string
VolumeProjection: configMap ConfigMapProjection; downwardAPI DownwardAPIProjection; secret SecretProjection; serviceAccountToken
  ServiceAccountTokenProjection
WeightedPodAffinityTerm: podAffinityTerm!* PodAffinityTerm; weight!* int32
WindowsSecurityContextOptions: gmsaCredentialSpec? string; gmsaCredentialSpecName? string; runAsUserName? string
`;
