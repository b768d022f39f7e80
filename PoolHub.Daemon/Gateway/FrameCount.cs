namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Counts the WebSocket frames of a client in the bytes as they come (RFC 6455, 5.2), however they are cut. It judges
/// nothing: what is no frame, the WebSocket refuses.
/// </summary>
internal struct FrameCount
{
    private const int Short = 2;
    private const int MaskBytes = 4;

    private ulong _payload;
    private int _at;
    private int _lengthEnd;
    private int _headerEnd;

    /// <summary>How many frames' headers end in these bytes.</summary>
    public int Add(ReadOnlySpan<byte> bytes)
    {
        int frames = 0;
        while (!bytes.IsEmpty)
        {
            if (_at == 0 && _payload > 0)
            {
                int skipped = (int)Math.Min(_payload, (ulong)bytes.Length);
                _payload -= (ulong)skipped;
                bytes = bytes[skipped..];
                continue;
            }
            Take(bytes[0]);
            bytes = bytes[1..];
            if (_at >= Short && _at == _headerEnd)
            {
                frames++;
                _at = 0;
            }
        }
        return frames;
    }

    /// <summary>The next byte of a header: kind, mask bit and length, a longer length, the mask.</summary>
    private void Take(byte next)
    {
        if (_at == 1)
        {
            int length = next & 0x7F;
            _lengthEnd = Short + length switch { 126 => sizeof(ushort), 127 => sizeof(ulong), _ => 0 };
            _headerEnd = _lengthEnd + ((next & 0x80) != 0 ? MaskBytes : 0);
            _payload = _lengthEnd == Short ? (ulong)length : 0;
        }
        else if (_at >= Short && _at < _lengthEnd)
        {
            _payload = (_payload << 8) | next;
        }
        _at++;
    }
}
