"""What the operator of Prometheus makes of a PodMonitor."""

TARGETS = {"namespace": "namespace", "pod_container_name": "container", "pod_name": "pod"}
NAMES = {"sourceLabels": "source_labels", "targetLabel": "target_label", "replacement": "replacement"}


def scrape_configs(monitor, pods):
    """For agents at these addresses: [(HOST:PORT, name of the pod, node)]."""
    targets = [{"targets": [address],
                "labels": {"__meta_kubernetes_namespace": "monitoring", "__meta_kubernetes_pod_name": pod,
                           "__meta_kubernetes_pod_container_name": "hinomi", "__meta_kubernetes_pod_node_name": node}}
               for address, pod, node in pods]
    name = monitor["metadata"]["name"]
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        own = [{"source_labels": [f"__meta_kubernetes_{source}"], "target_label": target}
               for source, target in TARGETS.items()]
        own += [{"target_label": "job", "replacement": f"monitoring/{name}"},
                {"target_label": "endpoint", "replacement": endpoint["port"]}]
        relabelings = [{NAMES[key]: value for key, value in rule.items()} for rule in endpoint.get("relabelings", [])]
        yield {"job_name": f"podMonitor/monitoring/{name}{endpoint['path']}", "metrics_path": endpoint["path"],
               "honor_labels": endpoint.get("honorLabels", False), "static_configs": targets,
               "relabel_configs": own + relabelings}
