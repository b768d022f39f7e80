using System.Diagnostics.CodeAnalysis;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>
/// A miner at a hub, over TCP, WebSocket or HTTP: it greets, registers, sends heartbeats at the pace that the hub sets,
/// answers pings and commands, and after a drop comes back with its session. Thousands fit in one process.
/// </summary>
public sealed class MinerClient : IAsyncDisposable
{
    /// <summary>How long a session must have lasted for the next pause to be a short one again.</summary>
    private static readonly TimeSpan s_stable = TimeSpan.FromSeconds(10);

    /// <summary>After so many failures at an address that a command gave, the configured one is tried again.</summary>
    private const int MaxFailuresElsewhere = 3;

    private readonly MinerClientOptions _options;
    private readonly TimeProvider _time;
    private readonly MinerSelf _self;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _abandoned = new();
    private readonly Lock _lock = new();

    [SuppressMessage("Reliability", "CA2213", Justification = "Disposed where it is made.")]
    private volatile Conversation? _conversation;

    private volatile Ending? _lastEnding;
    private Task? _run;
    private int _state;
    private long _onlineSince;
    private bool _wasOnline;

    /// <summary>Does nothing yet: <see cref="RunAsync"/> connects.</summary>
    public MinerClient(MinerClientOptions options)
    {
        _options = options;
        _time = options.TimeProvider;
        _self = new MinerSelf(options);
        _backoff = new Backoff(options.MinBackoff, options.MaxBackoff, options.Jitter);
    }

    /// <summary>Raised on the client's own task: a handler must return quickly and not throw.</summary>
    public event EventHandler<MinerStateEventArgs>? StateChanged;

    /// <summary>Who it is, as its options say.</summary>
    public string MinerId => _options.MinerId;

    /// <summary>Where it stands; changes are told by <see cref="StateChanged"/>.</summary>
    public MinerClientState State => (MinerClientState)Volatile.Read(ref _state);

    /// <summary>As it is now: commands and updates change it.</summary>
    public MinerProfile Profile => _self.Profile;

    /// <summary>Names the session; null before the first.</summary>
    public string? SessionToken => _self.SessionToken;

    /// <summary>Counts the sessions of this miner; 0 before the first and over HTTP.</summary>
    public long Epoch => _self.Epoch;

    /// <summary>Whether the hub asked it to take no more jobs.</summary>
    public bool Draining => _self.Draining;

    /// <summary>The interval that the hub last assigned; 0 before.</summary>
    public int NextHeartbeatSec => _self.NextHeartbeatSec;

    /// <summary>From the last heartbeat or update to its acknowledgement.</summary>
    public TimeSpan LastRoundTrip => _self.LastRoundTrip;

    /// <summary>The last message that the hub did not accept; null when there was none.</summary>
    public Error? LastError => _self.LastError;

    /// <summary>Over all its connections, as the four counts that follow.</summary>
    public long HeartbeatsSent => Interlocked.Read(ref _self.HeartbeatsSent);

    /// <summary>Heartbeats that the hub has answered.</summary>
    public long HeartbeatsAcked => Interlocked.Read(ref _self.HeartbeatsAcked);

    /// <summary>Pings of the hub that were answered with a pong.</summary>
    public long PingsAnswered => Interlocked.Read(ref _self.PingsAnswered);

    /// <summary>Commands of the hub, accepted or not.</summary>
    public long CommandsReceived => Interlocked.Read(ref _self.CommandsReceived);

    /// <summary>Messages that the hub did not accept; <see cref="LastError"/> is the last of them.</summary>
    public long ErrorsReceived => Interlocked.Read(ref _self.ErrorsReceived);

    /// <summary>How many times it was online.</summary>
    public long Connections => Interlocked.Read(ref _self.Connections);

    /// <summary>
    /// Stays at the hub until cancelled; then says goodbye and returns. A connection that fails or drops is made again
    /// for ever.
    /// </summary>
    /// <exception cref="MinerRefusedException">The hub will not have this miner as it is.</exception>
    /// <exception cref="InvalidOperationException">It ran before.</exception>
    public Task RunAsync(CancellationToken cancel)
    {
        lock (_lock)
        {
            return _run is null ? _run = RunOnceAsync(cancel) : throw new InvalidOperationException("a miner client runs once");
        }
    }

    /// <summary>Notes the status; the next heartbeat tells it.</summary>
    /// <exception cref="ArgumentException">A value is out of its limits.</exception>
    public void SetStatus(MinerStatus status)
    {
        status.ThrowIfInvalid();
        _self.Status = status;
    }

    /// <summary>Notes the status and tells the hub now; when not online, as soon as it is.</summary>
    /// <exception cref="ArgumentException">A value is out of its limits.</exception>
    public Task ReportAsync(MinerStatus status)
    {
        SetStatus(status);
        return TellAsync(static reporter => reporter.UpdateAsync(price: null));
    }

    /// <summary>Changes the price and tells the hub now; when not online, as soon as it is.</summary>
    /// <exception cref="ArgumentException">The price is out of range.</exception>
    public Task UpdatePriceAsync(TokenPrice price)
    {
        if (!price.IsValid)
        {
            throw new ArgumentException($"a price is from 0 to {TokenPrice.Max}", nameof(price));
        }
        if (_conversation is { IsOnline: true })
        {
            return TellAsync(reporter => reporter.SetPriceAsync(price));
        }
        _self.Profile = _self.Profile with { Price = price };
        return Task.CompletedTask;
    }

    /// <summary>Replaces the whole profile and tells the hub now; when not online, as soon as it is.</summary>
    /// <exception cref="ArgumentException">The profile is out of its limits.</exception>
    public Task UpdateProfileAsync(MinerProfile profile)
    {
        if (MinerClientOptions.FindProfileProblem(profile) is var (field, problem))
        {
            throw new ArgumentException($"{field} {problem}", nameof(profile));
        }
        _self.Profile = profile;
        return TellAsync(static reporter => reporter.RegisterAsync());
    }

    /// <summary>Breaks the connection without a goodbye, as a bad network does; the client then comes back.</summary>
    public void Drop() => _conversation?.Drop("dropped on purpose");

    /// <summary>Vanishes for good without a goodbye, as a machine does that loses its power.</summary>
    public async Task AbandonAsync()
    {
        await _abandoned.CancelAsync();
        Drop();
        if (_run is { } run)
        {
            try
            {
                await run;
            }
            catch (MinerRefusedException)
            {
                // Whoever runs it is told.
            }
        }
    }

    /// <summary>Abandons it if it still runs: cancel <see cref="RunAsync"/> first for a goodbye.</summary>
    public async ValueTask DisposeAsync()
    {
        await AbandonAsync();
        _abandoned.Dispose();
    }

    private async Task RunOnceAsync(CancellationToken cancel)
    {
        // The caller's own work comes first; this also keeps event handlers out of the lock of RunAsync.
        await Task.Yield();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, _abandoned.Token);
        try
        {
            if (_options.FindProblem() is var (field, problem))
            {
                throw new MinerRefusedException($"{field} {problem}") { Field = field };
            }
            await StayAsync(cancel, ending.Token);
        }
        finally
        {
            SetState(MinerClientState.Stopped);
        }
    }

    /// <param name="leave">Ends with a goodbye.</param>
    /// <param name="stop">Ends with or without.</param>
    private async Task StayAsync(CancellationToken leave, CancellationToken stop)
    {
        Uri hub = _options.Hub;
        int failuresElsewhere = 0;
        while (!stop.IsCancellationRequested)
        {
            SetState(MinerClientState.Connecting);
            _wasOnline = false;
            Ending end = await ConverseAsync(hub, leave, stop);
            _lastEnding = end;
            if (stop.IsCancellationRequested)
            {
                break;
            }
            end.ThrowIfRefused();
            failuresElsewhere = _wasOnline ? 0 : failuresElsewhere + 1;
            hub = end.MoveTo ?? (failuresElsewhere >= MaxFailuresElsewhere ? _options.Hub : hub);
            failuresElsewhere = end.MoveTo is null ? failuresElsewhere : 0;
            TimeSpan pause = PauseAfter(end);
            // Started before anyone is told, so that a test that moves the clock moves this.
            Task paused = Task.Delay(pause, _time, stop);
            SetState(MinerClientState.BackingOff, pause);
            await paused.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Ending> ConverseAsync(Uri hub, CancellationToken leave, CancellationToken stop)
    {
        try
        {
            await using IMinerTransport transport = await Transport.ConnectAsync(hub, _options, stop);
            await using var conversation = new Conversation(transport, _self, state => SetState(state));
            _conversation = conversation;
            if (_abandoned.IsCancellationRequested)
            {
                conversation.Drop("abandoned");
            }
            return await conversation.RunAsync(leave);
        }
        catch (HubException error)
        {
            return new Ending(CloseReason.Dropped, error.Message);
        }
        finally
        {
            _conversation = null;
        }
    }

    private TimeSpan PauseAfter(Ending end)
    {
        if (_wasOnline && _time.GetElapsedTime(_onlineSince) >= s_stable)
        {
            _backoff.Reset();
        }
        switch (end.Reason)
        {
            case CloseReason.StaleSession:
                bool triedToken = _self.SessionToken is not null && !_wasOnline;
                _self.SessionToken = null;
                if (triedToken)
                {
                    // The hub is there and wants the key: there is nothing to wait for.
                    return end.RetryAfter;
                }
                break;
            case CloseReason.Replaced:
                // Someone else uses this miner's name: hurrying back would only throw each other out.
                _backoff.Exhaust();
                break;
            default:
                break;
        }
        return _backoff.Next(end.RetryAfter);
    }

    private async Task TellAsync(Func<MinerReporter, ValueTask> tell)
    {
        if (_conversation is { IsOnline: true } conversation)
        {
            try
            {
                await tell(conversation.Reporter);
            }
            catch (Exception error) when (Transport.IsBroken(error))
            {
                // The conversation notices for itself, and its successor tells the hub.
            }
        }
    }

    private void SetState(MinerClientState state, TimeSpan retryIn = default)
    {
        var previous = (MinerClientState)Interlocked.Exchange(ref _state, (int)state);
        if (previous == state)
        {
            return;
        }
        if (state is MinerClientState.Online)
        {
            _ = Interlocked.Increment(ref _self.Connections);
            _onlineSince = _time.GetTimestamp();
            _wasOnline = true;
        }
        Ending? last = _lastEnding;
        StateChanged?.Invoke(this, new MinerStateEventArgs(previous, state, last?.Reason, last?.Detail ?? "", retryIn));
    }
}
