using Prometheus;

namespace PoolHub.Daemon.Gateway;

/// <summary>What a connection was closed for at the gate.</summary>
internal enum GateCap
{
    /// <summary>There are too many in all.</summary>
    All,
    /// <summary>Its address has too many.</summary>
    Address,
    /// <summary>Too many have not said who they are: it was the oldest of them.</summary>
    Greeting,
    /// <summary>Its address has come too often without saying anything.</summary>
    Wordless,
    /// <summary>It took too long over TLS or its first request.</summary>
    Deadline,
}

internal sealed class GateMetrics
{
    private readonly Counter.Child[] _refused;
    private readonly Gauge.Child _connections;
    private readonly Gauge.Child _greetings;

    public GateMetrics(IMetricFactory factory)
    {
        Counter refused = factory.CreateCounter("poolhub_gate_refusals_total", "Connections closed at the gate, by the cap or deadline that they met.", ["cap"]);
        _refused = [.. Enum.GetNames<GateCap>().Select(name => refused.WithLabels(System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(name)))];
        Gauge connections = factory.CreateGauge("poolhub_connections", "Open connections, by whether they have said who they are.", ["state"]);
        _connections = connections.WithLabels("greeted");
        _greetings = connections.WithLabels("greeting");
    }

    public void Refused(GateCap cap) => _refused[(int)cap].Inc();

    public void Set(int connections, int greetings)
    {
        _connections.Set(connections - greetings);
        _greetings.Set(greetings);
    }
}
