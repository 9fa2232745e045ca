//! A stub of libssl, which Debian's pppd is linked with for EAP-TLS. No site can ask for that (`src/site/render/`: PAP
//! or CHAP), and an operator who does is refused: without a context (`SSL_CTX_new`) pppd's eap-tls.c,
//! `eaptls_init_ssl`, gives up before it calls anything else. PAP and CHAP need digests and DES, which are in the real
//! libcrypto.
#![no_std]

/// Functions that return a null pointer, 0, or no value. All of these fit into the register of a `usize`, and a callee
/// may ignore its arguments (AAPCS).
macro_rules! nothing {
    ($($name:ident)+) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> usize {
                0
            }
        )+
    };
}

nothing! {
    OPENSSL_init_ssl SSL_CTX_check_private_key SSL_CTX_ctrl SSL_CTX_free SSL_CTX_get_cert_store
    SSL_CTX_load_verify_locations SSL_CTX_new SSL_CTX_sess_set_new_cb SSL_CTX_set_client_CA_list
    SSL_CTX_set_default_passwd_cb SSL_CTX_set_options SSL_CTX_set_verify SSL_CTX_set_verify_depth
    SSL_CTX_use_PrivateKey SSL_CTX_use_PrivateKey_file SSL_CTX_use_certificate
    SSL_CTX_use_certificate_chain_file SSL_alert_desc_string_long SSL_ctrl
    SSL_export_keying_material SSL_free SSL_get_certificate SSL_get_ex_data
    SSL_get_ex_data_X509_STORE_CTX_idx SSL_is_init_finished SSL_load_client_CA_file SSL_new SSL_read
    SSL_set_accept_state SSL_set_bio SSL_set_connect_state SSL_set_ex_data SSL_set_msg_callback
    SSL_version TLS_method
}
