using System.Buffers;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// docs/protocol.md, "Conversation", for one socket: takes the miner's messages one after the other and answers through
/// its channel. Whoever reads the socket calls it; it never reads or waits for the socket itself.
/// </summary>
internal sealed class Conversation(Channel channel, SessionTable table, MinerRegistry registry, CommandDesk commands, SessionMetrics metrics)
{
    private const int MaxErrorsInARow = 16;

    private Stage _stage;
    private int _errorsInARow;
    private long _lastSeq;
    private bool _ackDue;

    private enum Stage
    {
        Greeting,
        Registering,
        Live,
    }

    public Channel Channel => channel;

    /// <summary>Begins as live: the miner showed its token before the socket was made.</summary>
    public void Enter(Session session)
    {
        channel.Session = session;
        EnterLive();
    }

    /// <summary>Takes one binary message. Completes at once but for those that are made durable.</summary>
    public ValueTask TakeAsync(in ReadOnlySequence<byte> body)
    {
        if (body.IsSingleSegment)
        {
            return TakeAsync(body.FirstSpan);
        }
        byte[] whole = ArrayPool<byte>.Shared.Rent((int)body.Length);
        try
        {
            body.CopyTo(whole);
            return TakeAsync(whole.AsSpan(0, (int)body.Length));
        }
        finally
        {
            // What a message keeps it has copied, also one that is not done yet.
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    public ValueTask TakeAsync(ReadOnlySpan<byte> body)
    {
        channel.Form = WireForm.Binary;
        if (!MessageReader.TryOpen(body, out int number, out MessageReader reader))
        {
            channel.Close(CloseReason.Malformed, "the body is not one MessagePack array with a message number");
            return default;
        }
        metrics.Received(number);
        if ((MessageNumber)number == MessageNumber.Goodbye)
        {
            return LeaveAsync();
        }
        if (_stage == Stage.Greeting)
        {
            Greet(number, ref reader);
            return default;
        }
        switch ((MessageNumber)number)
        {
            case MessageNumber.Heartbeat when _stage == Stage.Live:
                Heartbeat heartbeat = Heartbeat.Read(ref reader);
                if (Accepts(number, reader))
                {
                    Beat(heartbeat);
                }
                return default;
            case MessageNumber.Pong:
                Pong pong = Pong.Read(ref reader);
                if (Accepts(number, reader))
                {
                    Measure(pong);
                }
                return default;
            case MessageNumber.Update when _stage == Stage.Live:
                Update update = Update.Read(ref reader);
                return Accepts(number, reader) ? UpdateAsync(update) : default;
            case MessageNumber.Register:
                MinerProfile profile = Register.Read(ref reader).Profile;
                return Accepts(number, reader) ? RegisterAsync(profile) : default;
            case MessageNumber.CommandAck:
                CommandAck ack = CommandAck.Read(ref reader);
                return Accepts(number, reader) ? AcknowledgeAsync(ack) : default;
            default:
                bool known = Enum.IsDefined((MessageNumber)number);
                Reject(known ? ErrorCode.OutOfOrder : ErrorCode.UnknownMessage, number, "",
                    known ? $"{(MessageNumber)number} has no place here" : $"message {number} is not known");
                return default;
        }
    }

    /// <summary>Takes one text message of a WebSocket.</summary>
    public ValueTask TakeTextAsync(in ReadOnlySequence<byte> utf8)
    {
        if (_stage != Stage.Live)
        {
            channel.Close(CloseReason.HelloExpected, "text needs a session token in the address or a header");
            return default;
        }
        channel.Form = WireForm.Text;
        if (TextForm.Read(utf8, out (string? Field, string Detail) fault) is not { } text)
        {
            metrics.Received(0);
            Reject(ErrorCode.InvalidField, 0, fault.Field ?? "", fault.Detail);
            return default;
        }
        int number = (int)text.Number;
        metrics.Received(number);
        if (number == (int)MessageNumber.Goodbye)
        {
            return LeaveAsync();
        }
        if (number == 0)
        {
            Reject(ErrorCode.UnknownMessage, number, "type", "must be heartbeat, update, pong, command_ack or goodbye");
            return default;
        }
        if (text.FindProblem() is var (field, problem))
        {
            Reject(ErrorCode.InvalidField, number, field, $"{field} {problem}");
            return default;
        }
        _errorsInARow = 0;
        switch ((MessageNumber)number)
        {
            case MessageNumber.Update:
                return UpdateAsync(new Update(text.QueueLen!.Value, text.Busy!.Value, text.CurrentJobs ?? [], text.PriceTokenPerKsec));
            case MessageNumber.Pong:
                Measure(new Pong(text.Nonce!.Value));
                return default;
            case MessageNumber.CommandAck:
                return AcknowledgeAsync(new CommandAck(text.CommandId!.Value, text.Accepted!.Value, text.Detail ?? ""));
            default:
                Beat(new Heartbeat(text.Seq ?? _lastSeq + 1, 0, text.QueueLen!.Value, text.AvgLatencyMs, text.TempC, text.MemFreeGb));
                return default;
        }
    }

    /// <summary>Called after everything that had arrived was taken: heartbeats that came together are answered together.</summary>
    public void Acknowledge()
    {
        if (_ackDue)
        {
            _ackDue = false;
            channel.Send(new HeartbeatAck(_lastSeq, registry.Pace.NextSec()));
        }
    }

    /// <summary>The socket is gone.</summary>
    public void End()
    {
        channel.Gone();
        if (channel.Session is { } session)
        {
            table.Detach(session, channel);
        }
    }

    private void Greet(int number, ref MessageReader reader)
    {
        if (Handshake.Take(number, ref reader, channel, table) is not var (session, resumed))
        {
            return;
        }
        channel.Session = session;
        channel.Send(new Welcome(
            Limits.ProtocolVersion, [], table.TokenOf(session), session.Epoch, registry.LeaseTtlSec, registry.Pace.NextSec(), resumed));
        if (resumed)
        {
            EnterLive();
        }
        else
        {
            _stage = Stage.Registering;
        }
    }

    private void EnterLive()
    {
        if (_stage != Stage.Live)
        {
            _stage = Stage.Live;
            channel.Live = true;
            CommandDesk.Repeat(channel.Session!, channel);
        }
    }

    private void Beat(in Heartbeat heartbeat)
    {
        Session session = channel.Session!;
        if (registry.Report(session.Miner, session.Epoch, new MinerReport(
            heartbeat.QueueLen, AvgLatencyMs: heartbeat.AvgLatencyMs, TempC: heartbeat.TempC, MemFreeGb: heartbeat.MemFreeGb)))
        {
            (_lastSeq, _ackDue) = (heartbeat.Seq, true);
        }
    }

    private void Measure(in Pong pong)
    {
        if (channel.RoundTrip(pong) is { } roundTrip)
        {
            registry.ObserveRtt(channel.Session!.Miner, roundTrip);
        }
    }

    private async ValueTask UpdateAsync(Update update)
    {
        Session session = channel.Session!;
        if (!registry.Report(session.Miner, session.Epoch, new MinerReport(update.QueueLen, update.Busy, update.CurrentJobs.Length)))
        {
            return;
        }
        if (update.Price is { } price && price != session.Miner.Profile!.Price)
        {
            await StoreAsync(() => registry.ChangeProfileAsync(session.Miner, p => p with { Price = price }));
        }
        _ackDue = true;
    }

    private async ValueTask RegisterAsync(MinerProfile profile)
    {
        Session session = channel.Session!;
        if (await StoreAsync(() => table.RegisterAsync(session, profile)))
        {
            channel.Send(new Registered(registry.LeaseTtlSec, registry.Pace.NextSec()));
            EnterLive();
        }
    }

    private async ValueTask AcknowledgeAsync(CommandAck ack) => _ = await StoreAsync(async () =>
    {
        await commands.AcknowledgeAsync(channel.Session!, ack);
        return true;
    });

    private async ValueTask<bool> StoreAsync(Func<ValueTask<bool>> store)
    {
        using Channel.Work work = channel.BeginWork();
        try
        {
            return await store();
        }
        catch (StoreUnavailableException)
        {
            channel.Close(CloseReason.Unavailable, "it could not be stored", 1_000 + Random.Shared.Next(2_000));
            return false;
        }
    }

    private async ValueTask LeaveAsync()
    {
        if (!channel.End(CloseReason.Leaving))
        {
            return;
        }
        // Whoever sees its socket end is offline by then.
        ValueTask leaving = channel.Session is { IsCurrent: true } session ? table.LeaveAsync(session) : default;
        channel.Gone();
        try
        {
            await leaving;
        }
        catch (StoreUnavailableException)
        {
            // It is offline and gone; at the worst a restarted hub takes its old token again.
        }
    }

    /// <summary>Whether the message was read without a fault; else the miner is told.</summary>
    private bool Accepts(int number, in MessageReader reader)
    {
        if (!reader.Failed)
        {
            _errorsInARow = 0;
            return true;
        }
        Reject(ErrorCode.InvalidField, number, reader.Field ?? "", Detail(reader));
        return false;
    }

    private void Reject(ErrorCode code, int number, string field, string detail)
    {
        channel.Send(new Error(code, number, Shorten(field, Limits.TermChars), Shorten(detail, Limits.DetailChars)));
        if (++_errorsInARow >= MaxErrorsInARow)
        {
            channel.Close(CloseReason.TooManyErrors, $"{MaxErrorsInARow} messages in a row were not accepted");
        }
    }

    private static string Shorten(string text, int maxChars) => text.Length <= maxChars ? text : text[..maxChars];

    private static string Detail(in MessageReader reader) => $"{reader.Field} {reader.Problem}";
}
