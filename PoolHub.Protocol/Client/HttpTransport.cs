using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>
/// docs/protocol.md, "HTTP only": carries the same messages by plain requests, for networks where no socket stays open.
/// A message that is sent becomes a request, and its answer the messages that a socket would have brought.
/// </summary>
internal sealed class HttpTransport(Uri hub, MinerClientOptions options) : IMinerTransport
{
    private static readonly Lazy<HttpMessageInvoker> s_shared = new(() =>
        new HttpMessageInvoker(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(2) }));

    [SuppressMessage("Reliability", "CA2213", Justification = "Shared with other clients.")]
    private readonly HttpMessageInvoker _http = options.Http ?? s_shared.Value;
    private readonly Channel<byte[]> _received = Channel.CreateUnbounded<byte[]>();
    [SuppressMessage("Reliability", "CA2213", Justification = "A late sender may still wait; it owns no handle.")]
    private readonly SemaphoreSlim _sendLock = new(1, 1);
    private readonly CancellationTokenSource _aborted = new();
    private readonly List<CommandOutcome> _acks = [];
    private readonly ArrayBufferWriter<byte> _scratch = new(256);
    private string _minerId = "";
    private string _apiKey = "";
    private string _token = "";
    private long _lastSeq;

    // An update over HTTP is complete, so every one repeats what the last one of the wire said.
    private Update _lastUpdate = new(0, false, [], null);

    public async ValueTask SendAsync<T>(T message)
        where T : struct, IMessage<T>
    {
        await _sendLock.WaitAsync(_aborted.Token);
        try
        {
            // The conversation stays unaware of what it speaks over: this transport reads the message as a hub would.
            _scratch.ResetWrittenCount();
            _scratch.Write(Frame.Encode(message));
            await SendAsync(T.Number, _scratch.WrittenMemory);
        }
        catch (HubException error) when (error.StatusCode is not null)
        {
            Answer(T.Number, error);
        }
        finally
        {
            _ = _sendLock.Release();
        }
    }

    public async ValueTask<Received> ReceiveAsync() =>
        await _received.Reader.WaitToReadAsync(_aborted.Token) && _received.Reader.TryRead(out byte[]? body)
            ? new Received(body)
            : default;

    public ValueTask CompleteAsync()
    {
        _ = _received.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public void Abort()
    {
        try
        {
            _aborted.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The conversation ended in the same moment.
        }
        _ = _received.Writer.TryComplete();
    }

    public ValueTask DisposeAsync()
    {
        _aborted.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task SendAsync(MessageNumber number, ReadOnlyMemory<byte> body)
    {
        switch (number)
        {
            case MessageNumber.Hello:
                await GreetAsync(Decode<Hello>(body));
                break;
            case MessageNumber.Register:
                LeaseResponse registered = await PostAsync(
                    "/v1/miners/register",
                    HubHttp.Body(
                        RegisterRequest.From(_minerId, _apiKey, Decode<Register>(body).Profile),
                        HubJson.Default.RegisterRequest),
                    HubJson.Default.LeaseResponse);
                Accept(registered, resumed: false);
                Deliver(new Registered(registered.LeaseTtlSec, registered.NextHeartbeatSec));
                break;
            case MessageNumber.Heartbeat:
                await BeatAsync(Decode<Heartbeat>(body));
                break;
            case MessageNumber.Update:
                Update update = Decode<Update>(body);
                _lastUpdate = update with { Price = null };
                await UpdateAsync(update, default);
                break;
            case MessageNumber.CommandAck:
                CommandAck ack = Decode<CommandAck>(body);
                _acks.Add(new CommandOutcome { CommandId = ack.Id, Accepted = ack.Accepted, Detail = ack.Detail });
                break;
            case MessageNumber.Goodbye when _token.Length > 0:
                if (_acks.Count > 0)
                {
                    await UpdateAsync(_lastUpdate, default);
                }
                _ = await PostAsync(
                    "/v1/miners/logout",
                    HubHttp.Body(new LogoutRequest { SessionToken = _token }, HubJson.Default.LogoutRequest),
                    HubJson.Default.LogoutResponse);
                break;
            default:
                break;
        }
    }

    private async Task GreetAsync(Hello hello)
    {
        _minerId = hello.MinerId;
        _apiKey = hello.ApiKey ?? options.ApiKey;
        if (hello.SessionToken is not { } token)
        {
            // HTTP greets and registers in one request; it is made when the profile comes.
            Deliver(new Welcome(Limits.ProtocolVersion, [], "", 0, 1, 1, Resumed: false));
            return;
        }
        _token = token;
        using var request = new HttpRequestMessage(HttpMethod.Get, Address("/v1/miners/lease/renew"));
        // In a header, since addresses end up in the logs of proxies.
        request.Headers.Add(HubHttp.SessionHeader, token);
        Accept(await HubHttp.SendAsync(_http, request, HubJson.Default.LeaseResponse, _aborted.Token), resumed: true);
    }

    private Task BeatAsync(Heartbeat heartbeat)
    {
        _lastSeq = heartbeat.Seq;
        return UpdateAsync(_lastUpdate with { QueueLen = heartbeat.QueueLen }, heartbeat);
    }

    private async Task UpdateAsync(Update update, Heartbeat heartbeat)
    {
        CommandOutcome[]? acks = _acks.Count > 0 ? [.. _acks] : null;
        LeaseResponse lease = await PostAsync(
            "/v1/miners/update",
            HubHttp.Body(
                new UpdateRequest
                {
                    SessionToken = _token,
                    QueueLen = update.QueueLen,
                    Busy = update.Busy,
                    CurrentJobs = update.CurrentJobs,
                    PriceTokenPerKsec = update.Price,
                    AvgLatencyMs = heartbeat.AvgLatencyMs,
                    TempC = heartbeat.TempC,
                    MemFreeGb = heartbeat.MemFreeGb,
                    CommandAcks = acks,
                },
                HubJson.Default.UpdateRequest),
            HubJson.Default.LeaseResponse);
        // Only an answer means that the hub has them.
        _acks.RemoveRange(0, acks?.Length ?? 0);
        if (lease.SessionToken is { } fresh && fresh != _token)
        {
            Accept(lease, resumed: true);
        }
        Deliver(new HeartbeatAck(_lastSeq, Math.Max(1, lease.NextHeartbeatSec)));
        foreach (PendingCommand command in lease.Commands ?? [])
        {
            Deliver(ToCommand(command));
        }
    }

    private void Accept(LeaseResponse lease, bool resumed)
    {
        _token = lease.SessionToken ?? _token;
        Deliver(new Welcome(
            Limits.ProtocolVersion, [], _token, 0, Math.Max(1, lease.LeaseTtlSec), Math.Max(1, lease.NextHeartbeatSec), resumed));
    }

    /// <summary>What a socket would have brought where the hub refused a request.</summary>
    private void Answer(MessageNumber number, HubException error)
    {
        int retryAfterMs = (int)Math.Min(int.MaxValue, (error.RetryAfter ?? TimeSpan.Zero).TotalMilliseconds);
        string detail = error.Message.Length <= Limits.DetailChars ? error.Message : error.Message[..Limits.DetailChars];
        switch (error.StatusCode)
        {
            case HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity
                when number is not MessageNumber.Hello:
                string field = error.Problem?.Field is { Length: <= Limits.TermChars } named ? named : "";
                Deliver(new Error(ErrorCode.InvalidField, (int)number, field, detail));
                return;
            case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when number is MessageNumber.Register:
                Deliver(new Goodbye(CloseReason.BadCredentials, detail, retryAfterMs));
                break;
            case HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound
                or HttpStatusCode.Conflict or HttpStatusCode.Gone when number is not MessageNumber.Register:
                Deliver(new Goodbye(CloseReason.StaleSession, detail, retryAfterMs));
                break;
            case HttpStatusCode.TooManyRequests:
                Deliver(new Goodbye(CloseReason.Flapping, detail, retryAfterMs));
                break;
            case HttpStatusCode.ServiceUnavailable:
                Deliver(new Goodbye(CloseReason.Unavailable, detail, retryAfterMs));
                break;
            default:
                Deliver(new Goodbye(CloseReason.InternalError, detail, retryAfterMs));
                break;
        }
        _ = _received.Writer.TryComplete();
    }

    private void Deliver<T>(T message)
        where T : struct, IMessage<T> => _ = _received.Writer.TryWrite(Frame.Encode(message).ToArray());

    private async Task<T> PostAsync<T>(string path, HttpContent body, JsonTypeInfo<T> type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Address(path)) { Content = body };
        return await HubHttp.SendAsync(_http, request, type, _aborted.Token);
    }

    private Uri Address(string path) => new UriBuilder(hub) { Path = hub.AbsolutePath.TrimEnd('/') + path }.Uri;

    private static T Decode<T>(ReadOnlyMemory<byte> body)
        where T : struct, IMessage<T>
    {
        _ = MessageReader.TryOpen(body.Span, out _, out MessageReader reader);
        return T.Read(ref reader);
    }

    private static Command ToCommand(PendingCommand command) => new(
        command.CommandId,
        command.Command switch
        {
            "set_price_cap" => CommandKind.SetPriceCap,
            "update_tags" => CommandKind.UpdateTags,
            "drain" => CommandKind.Drain,
            "reconnect" => CommandKind.Reconnect,
            _ => default,
        },
        command.PriceTokenPerKsec ?? default,
        command.Tags,
        command.On ?? false,
        command.Addr,
        command.DelayMs ?? 0);
}
