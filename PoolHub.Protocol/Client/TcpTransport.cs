using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>docs/protocol.md, "Frames": messages over a TCP connection, with or without TLS.</summary>
internal sealed class TcpTransport : IMinerTransport
{
    // Nothing is rented while nothing arrives: thousands of these may wait in one process.
    private static readonly StreamPipeReaderOptions s_reading =
        new(bufferSize: 1024, minimumReadSize: 256, useZeroByteReads: true);

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly PipeReader _reader;
    private readonly ArrayBufferWriter<byte> _sending = new(256);

    [SuppressMessage("Reliability", "CA2213", Justification = "A late sender may still wait; it owns no handle.")]
    private readonly SemaphoreSlim _sendLock = new(1, 1);
    private ReadOnlySequence<byte> _unread;
    private bool _holdsBuffer;
    private bool _ended;

    private TcpTransport(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
        _reader = PipeReader.Create(stream, s_reading);
    }

    public static async Task<TcpTransport> ConnectAsync(Uri hub, MinerClientOptions options, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(
                new DnsEndPoint(hub.DnsSafeHost, hub.Port > 0 ? hub.Port : MinerClientOptions.DefaultTcpPort), cancel);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (MinerClientOptions.IsTls(hub.Scheme))
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions
                    {
                        TargetHost = hub.DnsSafeHost,
                        ClientCertificates = options.ClientCertificates,
                        RemoteCertificateValidationCallback = options.CheckHubCertificate,
                    },
                    cancel);
            }
            return new TcpTransport(socket, stream);
        }
        catch
        {
            if (stream is not null)
            {
                await stream.DisposeAsync();
            }
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask SendAsync<T>(T message)
        where T : struct, IMessage<T>
    {
        await _sendLock.WaitAsync();
        try
        {
            _sending.ResetWrittenCount();
            Frame.Write(_sending, message);
            await _stream.WriteAsync(_sending.WrittenMemory);
        }
        finally
        {
            _ = _sendLock.Release();
        }
    }

    public async ValueTask<Received> ReceiveAsync()
    {
        while (true)
        {
            switch (Frame.TryRead(ref _unread, out ReadOnlySequence<byte> body))
            {
                case FrameStatus.Done:
                    return new Received(body.IsSingleSegment ? body.First : body.ToArray());
                case FrameStatus.TooLong:
                    return new Received(default, CloseReason.FrameTooLong);
                case FrameStatus.Malformed:
                    return new Received(default, CloseReason.Malformed);
                default:
                    break;
            }
            if (_holdsBuffer)
            {
                // All of it was looked at and is only the start of a frame.
                _reader.AdvanceTo(_unread.Start, _unread.End);
                _holdsBuffer = false;
            }
            if (_ended)
            {
                return default;
            }
            ReadResult result = await _reader.ReadAsync();
            _unread = result.Buffer;
            _holdsBuffer = true;
            _ended = result.IsCompleted;
        }
    }

    public async ValueTask CompleteAsync()
    {
        await _sendLock.WaitAsync();
        try
        {
            if (_stream is SslStream tls)
            {
                await tls.ShutdownAsync();
            }
            _socket.Shutdown(SocketShutdown.Send);
        }
        finally
        {
            _ = _sendLock.Release();
        }
    }

    // With no time to linger the peer sees a reset, as it does when a machine vanishes and comes back.
    public void Abort() => _socket.Close(timeout: 0);

    public async ValueTask DisposeAsync()
    {
        await _reader.CompleteAsync();
        await _stream.DisposeAsync();
        _socket.Dispose();
    }
}
