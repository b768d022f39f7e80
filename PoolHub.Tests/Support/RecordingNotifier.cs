using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting.Systemd;

namespace PoolHub.Tests.Support;

/// <summary>Keeps what systemd is told.</summary>
internal sealed class RecordingNotifier : ISystemdNotifier
{
    private readonly ConcurrentQueue<string> _states = new();

    public bool IsEnabled => true;
    public string[] States => [.. _states];
    public string Last => States[^1];

    public void Notify(ServiceState state) => _states.Enqueue(state.ToString());
}
