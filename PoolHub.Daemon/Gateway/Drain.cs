using Microsoft.AspNetCore.Connections;
using PoolHub.Daemon.Sessions;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// How a hub stops. First nobody is let in any more, and whoever is inside and asks is answered and told to close: so no
/// request is lost between a hub and the next, and nobody is offered who has been sent away. Then the miners are told
/// when to come back. Then Kestrel stops, which waits for requests that still run.
/// </summary>
internal sealed class Drain(DoorSockets doors, Conversations conversations) : IHostedLifecycleService
{
    /// <summary>
    /// For how long those who keep a connection open may use it once more. Whoever asks less often may find it closed, as
    /// with any server.
    /// </summary>
    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(5);

    private volatile bool _draining;
    private int _connections;

    /// <summary>Counts the HTTP door's connections.</summary>
    public async Task CountAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        _ = Interlocked.Increment(ref _connections);
        try
        {
            await next(connection);
        }
        finally
        {
            _ = Interlocked.Decrement(ref _connections);
        }
    }

    /// <summary>Answers carry "Connection: close" once the hub stops.</summary>
    public void UseDrain(IApplicationBuilder app) => app.Use((http, next) =>
    {
        if (_draining)
        {
            http.Response.Headers.Connection = "close";
        }
        return next(http);
    });

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (_draining)
        {
            return;
        }
        doors.Close();
        _draining = true;
        long begin = Environment.TickCount64;
        while (Volatile.Read(ref _connections) + doors.Waiting > 0 && Environment.TickCount64 - begin < QuietTime.TotalMilliseconds)
        {
            await Task.Delay(LookEvery, CancellationToken.None);
        }
        conversations.ShutDown();
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
